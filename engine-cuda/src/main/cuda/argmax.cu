// The index of each row's largest value, one block of 256 threads per row.
#include "kappa.cuh"

// The larger value, of equals the one at the lower index.
__device__ __forceinline__ void keepBetter(float& best, int& at, float value, int index) {
  if (value > best || (value == best && index < at)) {
    best = value;
    at = index;
  }
}

// -1 for a row with a NaN or +infinity, or nothing but -infinity.
KAPPA_KERNEL(argmax)(const float* logits, int columns, int* out) {
  __shared__ float values[8];
  __shared__ int indices[8];
  const float* row = logits + (size_t)blockIdx.x * columns;
  const int none = 0x7fffffff;
  float best = -INFINITY;
  int at = none;
  bool unusable = false;
  for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
    float value = row[i];
    unusable |= !(value < INFINITY);
    if (value > best) {
      best = value;
      at = i;
    }
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    float value = __shfl_xor_sync(~0u, best, offset);
    int index = __shfl_xor_sync(~0u, at, offset);
    keepBetter(best, at, value, index);
  }
  bool bad = __any_sync(~0u, unusable) != 0;
  if (threadIdx.x % 32 == 0) {
    values[threadIdx.x / 32] = bad ? NAN : best;
    indices[threadIdx.x / 32] = at;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    best = -INFINITY;
    at = none;
    bad = false;
    for (int w = 0; w < (int)blockDim.x / 32; w++) {
      bad |= isnan(values[w]);
      keepBetter(best, at, values[w], indices[w]);
    }
    out[blockIdx.x] = bad || at == none ? -1 : at;
  }
}
EXPORT_KERNEL(argmax)
