// What the simulated driver and a library of kernels built for the CPU know of each other.
#pragma once

#include <stddef.h>

#define KERNEL_ABI_VERSION 0x4b530002u

struct KernelLaunch {
  unsigned grid[3];
  unsigned block[3];
  size_t dynamicSharedBytes;
  bool reverse;  // threads of a block run from the last to the first
};

// Exported as "kernel_description_<name>".
struct KernelDescription {
  unsigned version;
  unsigned parameterCount;
  const unsigned* parameterSizes;
  const unsigned* parameterAlignments;
  const bool* parameterIsPointer;
  // Runs all blocks; returns 0 or the CUresult of what went wrong, having said so on stderr.
  int (*run)(const KernelLaunch* launch, void* const* arguments);
};
