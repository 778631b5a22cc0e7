// What g++ calls before a kernel's access to an address that is no multiple of its type's alignment
// (-fsanitize=alignment). The CPU would do as asked; a GPU ends the launch.
#include <stdint.h>
#include <stdio.h>

#include "fibers.h"

namespace {

// The beginning of what the compiler tells about the access.
struct Access {
  const char* file;
  uint32_t line;
};

}  // namespace

extern "C" void __ubsan_handle_type_mismatch_v1(const Access* access, uintptr_t address) {
  fprintf(stderr, "[kernel] %s:%u: address %#lx\n", access->file, access->line,
          (unsigned long)address);
  onhost::fail("a misaligned address");
}
