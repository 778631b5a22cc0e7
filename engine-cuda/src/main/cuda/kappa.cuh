// What every kernel file includes, and nothing else does: CUDA's types, and how a kernel is declared.
#pragma once

#include <limits.h>
#include <stdint.h>
#include <string.h>

#ifdef KAPPA_HOST
#include "cuda_on_host.h"
#else
#include <cuda_bf16.h>
#include <cuda_fp16.h>

// KAPPA_KERNEL(scale)(float* values, float factor) { ... }
#define KAPPA_KERNEL(name) extern "C" __global__ void name

// As KAPPA_KERNEL, for blocks of at most so many threads, of which a multiprocessor has registers for
// at least so many blocks.
#define KAPPA_KERNEL_OF(threads, blocks, name) \
  extern "C" __global__ void __launch_bounds__(threads, blocks) name

// Behind the kernel: makes it known to the simulated device.
#define EXPORT_KERNEL(name)

// The dynamic shared memory as an array of a type.
#define DYNAMIC_SHARED(type, name)                                \
  extern __shared__ __align__(1024) unsigned char dynamicShared[]; \
  type* name = reinterpret_cast<type*>(dynamicShared)
#endif
