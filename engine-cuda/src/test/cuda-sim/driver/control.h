// How tests set the simulation up and look into it. The functions are exported; tests call them
// between tests, when nothing is running.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>

#define EXPORTED extern "C" __attribute__((visibility("default")))

// At first from the environment: KAPPA_SIM_SEED, KAPPA_SIM_DELAY (microseconds), KAPPA_SIM_REVERSE
// (0 or 1), KAPPA_SIM_MEMORY (bytes), KAPPA_SIM_KERNELS (see kappaSimKernels).
struct Settings {
  std::atomic<uint64_t> seed;
  std::atomic<int> delayMicros;
  std::atomic<bool> reverse;
  std::atomic<size_t> memoryBytes;
  std::atomic<size_t> pinnedBytes;      // most that can be pinned
  std::atomic<bool> machineCode;        // whether images of machine code are taken
  std::atomic<int> processors;
  std::atomic<int64_t> copiesToFailure;  // so many copies succeed, the next fails; below 0: none
};

constexpr int PROCESSORS = 132;

Settings& settings();

// What kappaSimCounters reports, in this order.
struct Counters {
  std::atomic<int64_t> launches, copies, bytesToDevice, bytesFromDevice, hostFunctions;
  std::atomic<int64_t> deviceBytes, deviceAllocations, pinnedBytes, registrations;
  std::atomic<int64_t> streams, events, modules;
  std::atomic<int64_t> writesAfterFree, unsupportedCalls;
  std::atomic<int64_t> leaks;  // left when the last owner gave the context back
  std::atomic<int64_t> queueWaits;  // calls that waited because a stream's queue was full
  std::atomic<int64_t> pageableCopies;
};

Counters& counters();

// Sleeps or not, as the seed has it for this place: the same place and seed give the same pause.
void pauseAt(uint64_t stream, uint64_t sequence, unsigned place);

EXPORTED void kappaSimConfigure(uint64_t seed, int delayMicros, int reverse, size_t memoryBytes);
EXPORTED void kappaSimLimitPinned(size_t bytes);
// Multiprocessors that the GPU claims to have; an H100's number after a reset.
EXPORTED void kappaSimProcessors(int count);
// The n-th copy from now fails, and with it the context; 0: none.
EXPORTED void kappaSimFailCopy(int64_t n);
// Takes images of machine code until the next reset, as a driver does that is not older than they
// are. Their kernels' arguments cannot be compared with the sources'.
EXPORTED void kappaSimTakeMachineCode();
// Lets later work on a stream wait until all held streams are released.
EXPORTED int kappaSimHold(void* stream);
EXPORTED void kappaSimRelease();
// The library of kernels that stands in for PTX images.
EXPORTED void kappaSimKernels(const char* path);
// Waits for all streams, then forgets everything: memory, registrations, streams, events, errors.
EXPORTED void kappaSimReset();
EXPORTED int kappaSimCounters(int64_t* values, int count);
EXPORTED int kappaSimUnsupported(const char* function);
