// Rows in pieces of eight 16-bit elements, which memory moves as one. Rows that are not made of whole
// pieces are read one element at a time: isEights decides, by the length of a row alone.
#pragma once

#include <string.h>

#include "values.cuh"

struct Eight {
  bf16 at[8];
};

__device__ __forceinline__ bool isEights(int columns) { return columns % 8 == 0; }

// From and to multiples of 16 bytes.
__device__ __forceinline__ Eight loadEight(const bf16* from) {
  uint4 bits = *(const uint4*)from;
  Eight values;
  memcpy(values.at, &bits, sizeof bits);
  return values;
}

__device__ __forceinline__ void storeEight(bf16* to, const Eight& values) {
  uint4 bits;
  memcpy(&bits, values.at, sizeof bits);
  *(uint4*)to = bits;
}
