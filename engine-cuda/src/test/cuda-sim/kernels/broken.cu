// Kernels with a bug each, which the simulated device must show.
#include "kappa.cuh"

// No barrier between writing and reading.
KAPPA_KERNEL(missingBarrier)(float* values) {
  __shared__ float tile[256];
  tile[threadIdx.x] = values[threadIdx.x];
  values[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}
EXPORT_KERNEL(missingBarrier)

KAPPA_KERNEL(divergentBarrier)(float* values) {
  if (threadIdx.x < 16) __syncthreads();
  values[threadIdx.x] = __shfl_xor_sync(~0u, 1.0f, 1);
}
EXPORT_KERNEL(divergentBarrier)

// Reads shared memory that no thread wrote.
KAPPA_KERNEL(uninitialisedShared)(float* values) {
  __shared__ float tile[256];
  if (threadIdx.x == 0) tile[0] = 1.0f;
  __syncthreads();
  values[threadIdx.x] = tile[threadIdx.x];
}
EXPORT_KERNEL(uninitialisedShared)

// Writes one value more than `count`.
KAPPA_KERNEL(storePastEnd)(float* values, int count) {
  for (int i = 0; i <= count; i++) values[i] = (float)i;
}
EXPORT_KERNEL(storePastEnd)

KAPPA_KERNEL(storePastShared)(float* values, int count) {
  DYNAMIC_SHARED(float, tile);
  for (int i = 0; i <= count; i++) tile[i] = values[0];
}
EXPORT_KERNEL(storePastShared)

// A vector of four from where floats begin: x86 reads it, a GPU does not.
KAPPA_KERNEL(loadFour)(float* values, int first) {
  float4 four = *(const float4*)(values + first);
  values[0] = four.x + four.w;
}
EXPORT_KERNEL(loadFour)
