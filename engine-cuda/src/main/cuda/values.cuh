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

// Values beyond the range become its end: attention multiplies what a row must not see by zero, and
// an infinity would not vanish.
__device__ __forceinline__ void put(__half* to, float value) {
  constexpr float LARGEST = 65504.0f;
  *to = __float2half_rn(value > LARGEST ? LARGEST : value < -LARGEST ? -LARGEST : value);
}

// Two numbers of a type in a register, as tensor cores take them.
__device__ __forceinline__ uint32_t packed(bf16, float low, float high) {
  __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
  uint32_t bits;
  memcpy(&bits, &both, sizeof bits);
  return bits;
}
__device__ __forceinline__ uint32_t packed(__half, float low, float high) {
  __half2 both = __floats2half2_rn(low, high);
  uint32_t bits;
  memcpy(&bits, &both, sizeof bits);
  return bits;
}

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
