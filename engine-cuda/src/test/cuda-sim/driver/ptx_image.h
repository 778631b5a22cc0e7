// What the text of a PTX image says about its kernels.
#pragma once

#include <stddef.h>

#include <string>
#include <vector>

bool isPtx(const char* image);

// Sizes of the parameters of a kernel; false if there is no such kernel.
bool readEntry(const std::string& ptx, const std::string& name, std::vector<size_t>* sizes);

// The product of the numbers of ".maxntid 128, 1, 1" behind a kernel's parameters: what it was
// bounded to by __launch_bounds__.
size_t readMaxThreads(const std::string& ptx, const std::string& name, size_t otherwise);
