// Root mean square norms, one block per row. Which thread sums up what, and in which order, depends
// on the length of a row alone.
#include "eights.cuh"
#include "kappa.cuh"
#include "values.cuh"

__device__ __forceinline__ void normRow(const bf16* in, const float* weight, bf16* out, int columns,
                                        float epsilon, float squares) {
  float factor = 1.0f / sqrtf(squares / (float)columns + epsilon);
  if (isEights(columns)) {
    for (int i = 8 * (int)threadIdx.x; i < columns; i += 8 * (int)blockDim.x) {
      Eight x = loadEight(in + i);
      float4 weights[2] = {*(const float4*)(weight + i), *(const float4*)(weight + i + 4)};
      const float* w = &weights[0].x;
#pragma unroll
      for (int e = 0; e < 8; e++) put(&x.at[e], toFloat(x.at[e]) * factor * w[e]);
      storeEight(out + i, x);
    }
    return;
  }
  for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
    put(out + i, toFloat(in[i]) * factor * weight[i]);
  }
}

__device__ __forceinline__ void addSquare(bf16 value, float& squares) {
  float x = toFloat(value);
  squares = fmaf(x, x, squares);
}

__device__ __forceinline__ void addSquares(const Eight& values, float& squares) {
#pragma unroll
  for (int e = 0; e < 8; e++) addSquare(values.at[e], squares);
}

KAPPA_KERNEL(rmsNorm)(const bf16* in, const float* weight, bf16* out, int columns, float epsilon) {
  __shared__ float partial[32];
  const bf16* row = in + (size_t)blockIdx.x * columns;
  float squares = 0;
  if (isEights(columns)) {
    for (int i = 8 * (int)threadIdx.x; i < columns; i += 8 * (int)blockDim.x) {
      addSquares(loadEight(row + i), squares);
    }
  } else {
    for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
      addSquare(row[i], squares);
    }
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
  if (isEights(columns)) {
    for (int i = 8 * (int)threadIdx.x; i < columns; i += 8 * (int)blockDim.x) {
      Eight sum = loadEight(row + i);
      Eight more = loadEight(added + i);
#pragma unroll
      for (int e = 0; e < 8; e++) put(&sum.at[e], toFloat(sum.at[e]) + toFloat(more.at[e]));
      storeEight(row + i, sum);
      addSquares(sum, squares);
    }
  } else {
    for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
      put(row + i, toFloat(row[i]) + toFloat(added[i]));
      addSquare(row[i], squares);
    }
  }
  squares = blockSum(squares, partial);
  // Each thread reads back only what it wrote itself.
  normRow(row, weight, out + (size_t)blockIdx.x * columns, columns, epsilon, squares);
}
EXPORT_KERNEL(addRmsNorm)
