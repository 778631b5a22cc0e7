// Kernels that the simulated driver's own tests run.
#include "kappa.cuh"
#include "ptx.cuh"

KAPPA_KERNEL(scale)(const float* in, float* out, int count, float factor) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) out[i] = in[i] * factor;
}
EXPORT_KERNEL(scale)

// Each block reverses its own blockDim.x values.
KAPPA_KERNEL(reverse)(float* values) {
  __shared__ float tile[256];
  float* own = values + blockIdx.x * blockDim.x;
  tile[threadIdx.x] = own[threadIdx.x];
  __syncthreads();
  own[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}
EXPORT_KERNEL(reverse)

// Warp sum, spread through dynamic shared memory.
KAPPA_KERNEL(rowSums)(const float* in, float* out, int columns) {
  DYNAMIC_SHARED(float, partial);
  float sum = 0;
  for (int c = (int)threadIdx.x; c < columns; c += (int)blockDim.x) {
    sum += in[blockIdx.x * (size_t)columns + c];
  }
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(~0u, sum, offset);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    float total = 0;
    for (unsigned w = 0; w < blockDim.x / 32; w++) total += partial[w];
    out[blockIdx.x] = total;
  }
}
EXPORT_KERNEL(rowSums)

// c[16][8] = a[16][16] * b[8][16]^T on tensor cores, through cp.async and ldmatrix.
KAPPA_KERNEL(tensorTile)(const __nv_bfloat16* a, const __nv_bfloat16* b, float* c) {
  __shared__ __align__(16) __nv_bfloat16 tileA[16 * 16], tileB[8 * 16];
  int lane = (int)threadIdx.x;
  copyAsync16(tileA + lane * 8, a + lane * 8);
  if (lane < 16) copyAsync16(tileB + lane * 8, b + lane * 8);
  commitAsyncCopies();
  awaitAsyncCopies<0>();
  __syncwarp();
  uint32_t fragmentA[4], fragmentB[2];
  loadMatrix4(fragmentA, tileA + lane % 16 * 16 + lane / 16 * 8);
  loadMatrix2(fragmentB, tileB + lane % 8 * 16 + lane / 8 % 2 * 8);
  float sums[4] = {0, 0, 0, 0};
  mmaBf16(sums, fragmentA, fragmentB);
  for (int i = 0; i < 4; i++) c[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sums[i];
}
EXPORT_KERNEL(tensorTile)

// Six results of warp operations per lane, two of them of a part of the warp.
KAPPA_KERNEL(warpOperations)(int* out) {
  int lane = (int)threadIdx.x, value = lane * 10;
  out[lane] = __shfl_xor_sync(~0u, value, 3, 8);
  out[32 + lane] = __shfl_down_sync(~0u, value, 5, 16);
  out[64 + lane] = __shfl_up_sync(~0u, value, 2, 8);
  out[96 + lane] = __shfl_sync(~0u, value, 7, 8);
  if (lane % 2 == 1) {
    out[128 + lane] = __shfl_xor_sync(0xaaaaaaaau, value, 2);
  } else {
    out[128 + lane] = (int)__ballot_sync(0x55555555u, lane > 15);
  }
  if (lane >= 20) return;
  out[160 + lane] = __popc(__ballot_sync(0xfffffu, lane % 3 == 0));
}
EXPORT_KERNEL(warpOperations)

// c[16][8] = a[16][16] * b[16][8] of halves, b through the transposing load.
KAPPA_KERNEL(tensorTileTransposed)(const __half* a, const __half* b, float* c) {
  __shared__ __align__(16) __half tileA[16 * 16], tileB[16 * 8];
  int lane = (int)threadIdx.x;
  copyAsync16(tileA + lane * 8, a + lane * 8);
  copyAsync16OrZero(tileB + lane % 16 * 8, b + lane % 16 * 8, true);
  commitAsyncCopies();
  awaitAsyncCopies<0>();
  __syncwarp();
  uint32_t fragmentA[4], fragmentB[2];
  loadMatrix4(fragmentA, tileA + lane % 16 * 16 + lane / 16 * 8);
  loadMatrix2Transposed(fragmentB, tileB + lane % 16 * 8);
  float sums[4] = {0, 0, 0, 0};
  mmaF16(sums, fragmentA, fragmentB);
  for (int i = 0; i < 4; i++) c[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sums[i];
}
EXPORT_KERNEL(tensorTileTransposed)

KAPPA_KERNEL(narrow)(const float* in, unsigned short* bf16, unsigned short* half, int count) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= count) return;
  bf16[i] = __bfloat16_as_ushort(__float2bfloat16(in[i]));
  half[i] = __half_as_ushort(__float2half(in[i]));
}
EXPORT_KERNEL(narrow)

KAPPA_KERNEL(widen)(const unsigned short* in, float* bf16, float* half, int count) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= count) return;
  bf16[i] = __bfloat162float(__ushort_as_bfloat16(in[i]));
  half[i] = __half2float(__ushort_as_half(in[i]));
}
EXPORT_KERNEL(widen)

KAPPA_KERNEL(countAll)(int* total, float* sum) {
  atomicAdd(total, 1);
  atomicAdd(sum, 0.5f);
}
EXPORT_KERNEL(countAll)
