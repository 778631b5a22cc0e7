// The gate of the feed-forward part.
#include "eights.cuh"
#include "kappa.cuh"
#include "values.cuh"

__device__ __forceinline__ float silu(float x) { return x / (1.0f + expf(-x)); }

// out[row][i] = silu(gateUp[row][i]) * gateUp[row][columns + i]; blocks (row, part of its columns).
KAPPA_KERNEL(siluMul)(const bf16* gateUp, bf16* out, int columns) {
  const bf16* gate = gateUp + (size_t)blockIdx.x * 2 * columns;
  const bf16* up = gate + columns;
  bf16* to = out + (size_t)blockIdx.x * columns;
  int first = (int)(blockIdx.y * blockDim.x + threadIdx.x);
  int step = (int)(gridDim.y * blockDim.x);
  if (isEights(columns)) {
    for (int i = 8 * first; i < columns; i += 8 * step) {
      Eight x = loadEight(gate + i);
      Eight y = loadEight(up + i);
#pragma unroll
      for (int e = 0; e < 8; e++) put(&x.at[e], silu(toFloat(x.at[e])) * toFloat(y.at[e]));
      storeEight(to + i, x);
    }
    return;
  }
  for (int i = first; i < columns; i += step) {
    put(to + i, silu(toFloat(gate[i])) * toFloat(up[i]));
  }
}
EXPORT_KERNEL(siluMul)
