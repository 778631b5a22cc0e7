// The one device, its one context, and the error that sticks to it.
#pragma once

// Why a call fails before it is looked at; SUCCESS if it does not.
int contextError();

// Makes every later call fail, as a real context does after a failed kernel or copy.
void stickError(int result);
int stickyError();
void clearError();

// While a host function runs, its thread may make no CUDA calls.
struct HostFunctionScope {
  HostFunctionScope();
  ~HostFunctionScope();
};

#define REQUIRE_CONTEXT                                             \
  do {                                                              \
    if (int contextResult = contextError()) return contextResult; \
  } while (false)
