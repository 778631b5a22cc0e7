// Device memory and pinned host memory: what is where, and what a copy may touch.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum class Place {
  DEVICE,    // wholly within one allocation
  PINNED,    // wholly within one registration
  PAGEABLE,  // outside of all
  BROKEN,    // across a border
};

Place placeOf(uint64_t address, size_t bytes);

// Whether a kernel may be given this address: within, or at the end of, memory that it can reach.
bool isReachable(uint64_t address);

// Whether this address lies in device memory that was freed (as long as that is remembered).
bool wasFreed(uint64_t address);

// Whether the bytes around all allocations are untouched; complains about those that are not.
bool guardsIntact();

// Looks for writes to freed memory; counts and reports them.
void checkFreed();

void forgetMemory();

int allocateDevice(uint64_t* address, size_t bytes);
int freeDevice(uint64_t address);
