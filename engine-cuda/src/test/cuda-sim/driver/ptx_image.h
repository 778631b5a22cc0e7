// What the text of a PTX image says about its kernels.
#pragma once

#include <stddef.h>

#include <map>
#include <string>
#include <vector>

// A kernel as its image declares it.
struct PtxEntry {
  std::vector<size_t> parameterSizes;
  // The product of the numbers of ".maxntid 128, 1, 1" behind the parameters: what it was bounded
  // to by __launch_bounds__; 0 if it was not.
  size_t maxThreads = 0;
};

bool isPtx(const char* image);

// All kernels by name, found in one pass: images are long, and loaded by every test.
std::map<std::string, PtxEntry> readEntries(const char* ptx);
