// The gate of the feed-forward part.
#include "eights.cuh"
#include "kappa.cuh"
#include "values.cuh"

struct Silu {
  static __device__ __forceinline__ float of(float x) { return x / (1.0f + expf(-x)); }
};

// With u = sqrt(2 / pi) (x + 0.044715 x^3), (1 + tanh(u)) / 2 is 1 / (1 + exp(-2 u)), which does not
// cancel.
struct GeluTanh {
  static __device__ __forceinline__ float of(float x) {
    float slope = fmaf(__fmul_rn(x, x), -0.07135482f, -1.5957691f);
    return x / (1.0f + expf(__fmul_rn(slope, x)));
  }
};

// out[row][i] = f(gateUp[row][i]) * gateUp[row][columns + i]; blocks (row, part of its columns).
template <class Function>
__device__ __forceinline__ void gateRow(const bf16* gateUp, bf16* out, int columns) {
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
      for (int e = 0; e < 8; e++) put(&x.at[e], Function::of(toFloat(x.at[e])) * toFloat(y.at[e]));
      storeEight(to + i, x);
    }
    return;
  }
  for (int i = first; i < columns; i += step) {
    put(to + i, Function::of(toFloat(gate[i])) * toFloat(up[i]));
  }
}

KAPPA_KERNEL(siluMul)(const bf16* gateUp, bf16* out, int columns) {
  gateRow<Silu>(gateUp, out, columns);
}
EXPORT_KERNEL(siluMul)

KAPPA_KERNEL(geluTanhMul)(const bf16* gateUp, bf16* out, int columns) {
  gateRow<GeluTanh>(gateUp, out, columns);
}
EXPORT_KERNEL(geluTanhMul)
