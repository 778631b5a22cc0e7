// Lets a plain C++ compiler build CUDA kernels for the simulated device. kappa.cuh includes it under
// -DKAPPA_HOST; kernels never name it.
#pragma once

#include <type_traits>
#include <utility>

#include "fibers.h"
#include "narrow_floats.h"
#include "vector_types.h"

#define __global__ __attribute__((noinline))
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...)
#define __grid_constant__
// A stream's thread runs one block at a time, so a block's shared memory is that thread's own.
#define __shared__ static thread_local

#define threadIdx (onhost::thread().index)
#define blockIdx (onhost::block().index)
#define blockDim (onhost::block().dimensions)
#define gridDim (onhost::block().gridDimensions)
#define warpSize 32

#include "device_functions.h"
#include "warp.h"

namespace onhost {

template <auto Kernel>
struct Entry;

// Unpacks the arguments of a kernel by its own signature.
template <class... Arguments, void (*Kernel)(Arguments...)>
struct Entry<Kernel> {
  static constexpr unsigned COUNT = sizeof...(Arguments);
  static inline const unsigned sizes[COUNT + 1] = {(unsigned)sizeof(Arguments)..., 0};
  static inline const unsigned alignments[COUNT + 1] = {(unsigned)alignof(Arguments)..., 0};

  static inline const bool pointers[COUNT + 1] = {std::is_pointer<Arguments>::value..., false};

  template <size_t... I>
  static void call(void* const* arguments, std::index_sequence<I...>) {
    Kernel(*(Arguments*)arguments[I]...);
  }
  static void body(void* const* arguments) {
    call(arguments, std::index_sequence_for<Arguments...>{});
  }
  static int run(const KernelLaunch* launch, void* const* arguments) {
    return runBlocks(*launch, body, arguments);
  }
};

}  // namespace onhost

#define KAPPA_KERNEL(name) extern "C" __global__ void name
#define KAPPA_KERNEL_OF(threads, blocks, name) KAPPA_KERNEL(name)

#define EXPORT_KERNEL(name)                                                     \
  extern "C" __attribute__((visibility("default")))                             \
  const KernelDescription kernel_description_##name = {                         \
      KERNEL_ABI_VERSION, onhost::Entry<&name>::COUNT, onhost::Entry<&name>::sizes, \
      onhost::Entry<&name>::alignments, onhost::Entry<&name>::pointers,             \
      &onhost::Entry<&name>::run};

#define DYNAMIC_SHARED(type, name) \
  type* name = reinterpret_cast<type*>(onhost::block().dynamicShared)
