// How other parts of the driver submit copies.
#pragma once

#include <stddef.h>
#include <stdint.h>

// readNow: the source is read before the call returns, whatever work is before it.
int submitCopy(uint64_t target, uint64_t source, size_t bytes, void* stream, bool readNow);
