// Root mean square norms, one block per row.
#include "kappa.cuh"
#include "values.cuh"

__device__ __forceinline__ void normRow(const bf16* in, const float* weight, bf16* out, int columns,
                                        float epsilon, float squares) {
  float factor = 1.0f / sqrtf(squares / (float)columns + epsilon);
  for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
    put(out + i, toFloat(in[i]) * factor * weight[i]);
  }
}

KAPPA_KERNEL(rmsNorm)(const bf16* in, const float* weight, bf16* out, int columns, float epsilon) {
  __shared__ float partial[32];
  const bf16* row = in + (size_t)blockIdx.x * columns;
  float squares = 0;
  for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
    float x = toFloat(row[i]);
    squares = fmaf(x, x, squares);
  }
  squares = blockSum(squares, partial);
  normRow(row, weight, out + (size_t)blockIdx.x * columns, columns, epsilon, squares);
}
EXPORT_KERNEL(rmsNorm)

// Adds delta to residual in place and norms what was stored, so that a later reader of the residual
// sees the very numbers that were normed.
KAPPA_KERNEL(addRmsNorm)(bf16* residual, const bf16* delta, const float* weight, bf16* out,
                         int columns, float epsilon) {
  __shared__ float partial[32];
  bf16* row = residual + (size_t)blockIdx.x * columns;
  const bf16* added = delta + (size_t)blockIdx.x * columns;
  float squares = 0;
  for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
    put(row + i, toFloat(row[i]) + toFloat(added[i]));
    float x = toFloat(row[i]);
    squares = fmaf(x, x, squares);
  }
  squares = blockSum(squares, partial);
  // Each thread reads back only what it wrote itself.
  normRow(row, weight, out + (size_t)blockIdx.x * columns, columns, epsilon, squares);
}
EXPORT_KERNEL(addRmsNorm)
