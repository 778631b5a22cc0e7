// Element types of checkpoints to those of the device.
#include "kappa.cuh"
#include "values.cuh"

template <class From, class To>
__device__ __forceinline__ void convert(const From* from, To* to, long long count) {
  long long step = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
    put(to + i, toFloat(from[i]));
  }
}

KAPPA_KERNEL(f32ToBf16)(const float* from, bf16* to, long long count) { convert(from, to, count); }
EXPORT_KERNEL(f32ToBf16)

KAPPA_KERNEL(f16ToBf16)(const __half* from, bf16* to, long long count) { convert(from, to, count); }
EXPORT_KERNEL(f16ToBf16)

KAPPA_KERNEL(bf16ToF32)(const bf16* from, float* to, long long count) { convert(from, to, count); }
EXPORT_KERNEL(bf16ToF32)

KAPPA_KERNEL(f16ToF32)(const __half* from, float* to, long long count) { convert(from, to, count); }
EXPORT_KERNEL(f16ToF32)
