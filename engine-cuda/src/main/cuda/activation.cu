// The gate of the feed-forward part.
#include "kappa.cuh"
#include "values.cuh"

// out[row][i] = silu(gateUp[row][i]) * gateUp[row][columns + i]; one block per row.
KAPPA_KERNEL(siluMul)(const bf16* gateUp, bf16* out, int columns) {
  const bf16* gate = gateUp + (size_t)blockIdx.x * 2 * columns;
  const bf16* up = gate + columns;
  bf16* to = out + (size_t)blockIdx.x * columns;
  for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
    float x = toFloat(gate[i]);
    put(to + i, x / (1.0f + expf(-x)) * toFloat(up[i]));
  }
}
EXPORT_KERNEL(siluMul)
