// Instructions that CUDA C++ has no name for. Each has a twin for the simulated device.
#pragma once

#include "kappa.cuh"

#ifdef KAPPA_HOST
#include "ptx_host.h"
#else

__device__ __forceinline__ uint32_t sharedAddress(const void* shared) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(shared));
}

// Copies 16 aligned bytes to shared memory, beside what follows.
__device__ __forceinline__ void copyAsync16(void* shared, const void* global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(sharedAddress(shared)), "l"(global)
               : "memory");
}

// As copyAsync16, or writes zeros without reading.
__device__ __forceinline__ void copyAsync16OrZero(void* shared, const void* global, bool present) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(shared)),
               "l"(global), "r"(present ? 16 : 0)
               : "memory");
}

// Makes one group of the thread's copies since the last call.
__device__ __forceinline__ void commitAsyncCopies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

// Waits until at most this many of the thread's latest groups are unfinished.
template <int GroupsLeft>
__device__ __forceinline__ void awaitAsyncCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(GroupsLeft) : "memory");
}

// c[16x8] += a[16x16] * b[16x8], spread over a warp.
__device__ __forceinline__ void mmaBf16(float (&c)[4], const uint32_t (&a)[4],
                                        const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ __forceinline__ void mmaF16(float (&c)[4], const uint32_t (&a)[4],
                                       const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Loads 8x8 matrices of 16-bit cells; lane i names row i % 8 of matrix i / 8.
__device__ __forceinline__ void loadMatrix4(uint32_t (&r)[4], const void* sharedRow) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(sharedAddress(sharedRow))
               : "memory");
}

__device__ __forceinline__ void loadMatrix4Transposed(uint32_t (&r)[4], const void* sharedRow) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(sharedAddress(sharedRow))
               : "memory");
}

__device__ __forceinline__ void loadMatrix2(uint32_t (&r)[2], const void* sharedRow) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(sharedAddress(sharedRow))
               : "memory");
}

__device__ __forceinline__ void loadMatrix2Transposed(uint32_t (&r)[2], const void* sharedRow) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(sharedAddress(sharedRow))
               : "memory");
}

// The same value, of which the compiler does not know it: what follows is computed from it anew, not
// kept in registers meanwhile.
__device__ __forceinline__ int anew(int value) {
  asm volatile("" : "+r"(value));
  return value;
}

__device__ __forceinline__ float exp2Approx(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}
#endif
