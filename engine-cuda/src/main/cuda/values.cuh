// Element types and sums that several kernels need. Every function here is one fixed sequence of
// roundings, so that the same numbers give the same bits in whichever kernel it is inlined.
#pragma once

#include "kappa.cuh"

typedef __nv_bfloat16 bf16;

__device__ __forceinline__ float toFloat(float value) { return value; }
__device__ __forceinline__ float toFloat(bf16 value) { return __bfloat162float(value); }
__device__ __forceinline__ float toFloat(__half value) { return __half2float(value); }

__device__ __forceinline__ void put(float* to, float value) { *to = value; }
__device__ __forceinline__ void put(bf16* to, float value) { *to = __float2bfloat16_rn(value); }
__device__ __forceinline__ void put(__half* to, float value) { *to = __float2half_rn(value); }

// Sum over the lanes of a warp, the same in all of them.
__device__ __forceinline__ float warpSum(float value) {
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(~0u, value, offset);
  return value;
}

// Sum over the threads of a block of at most 1024, the same in all of them. partial: float[32].
__device__ __forceinline__ float blockSum(float value, float* partial) {
  value = warpSum(value);
  int warps = (int)(blockDim.x + 31) / 32;
  if (warps == 1) return value;
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
  __syncthreads();
  float total = 0;
  for (int w = 0; w < warps; w++) total += partial[w];
  return total;
}
