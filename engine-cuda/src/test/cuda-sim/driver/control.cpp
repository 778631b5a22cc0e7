#include "control.h"

#include <stdio.h>
#include <stdlib.h>

#include <chrono>
#include <thread>

namespace {

int64_t number(const char* name, int64_t otherwise) {
  const char* text = getenv(name);
  return text == nullptr || *text == 0 ? otherwise : strtoll(text, nullptr, 10);
}

uint64_t mix(uint64_t x) {  // splitmix64's finalizer
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

Settings* fromEnvironment() {
  auto* s = new Settings();
  s->seed = (uint64_t)number("KAPPA_SIM_SEED", 1);
  s->delayMicros = (int)number("KAPPA_SIM_DELAY", 0);
  s->reverse = number("KAPPA_SIM_REVERSE", 0) != 0;
  s->memoryBytes = (size_t)number("KAPPA_SIM_MEMORY", 256 << 20);
  s->pinnedBytes = SIZE_MAX;
  s->machineCode = false;
  s->processors = PROCESSORS;
  s->copiesToFailure = -1;
  return s;
}

}  // namespace

Settings& settings() {
  static Settings& all = *fromEnvironment();
  return all;
}

Counters& counters() {
  static Counters& all = *new Counters();
  return all;
}

void pauseAt(uint64_t stream, uint64_t sequence, unsigned place) {
  int most = settings().delayMicros;
  if (most <= 0) return;
  uint64_t random = mix(mix(mix(settings().seed ^ place << 24) ^ stream) ^ sequence);
  // One place in four pauses, one in 64 for long.
  int64_t micros = 0;
  if (random % 64 == 0) {
    micros = 10 * (int64_t)most;
  } else if (random % 4 == 0) {
    micros = (int64_t)(random >> 32) % (most + 1);
  }
  if (micros > 0) std::this_thread::sleep_for(std::chrono::microseconds(micros));
}

void kappaSimConfigure(uint64_t seed, int delayMicros, int reverse, size_t memoryBytes) {
  settings().seed = seed;
  settings().delayMicros = delayMicros;
  settings().reverse = reverse != 0;
  settings().memoryBytes = memoryBytes;
}

void kappaSimLimitPinned(size_t bytes) { settings().pinnedBytes = bytes; }

void kappaSimTakeMachineCode() { settings().machineCode = true; }

void kappaSimFailCopy(int64_t n) { settings().copiesToFailure = n - 1; }

void kappaSimProcessors(int count) { settings().processors = count; }

int kappaSimUnsupported(const char* function) {
  counters().unsupportedCalls++;
  fprintf(stderr, "[simulated CUDA] %s is not simulated\n", function);
  return 801;
}
