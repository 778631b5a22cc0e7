#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <vector>

#include "control.h"
#include "context.h"
#include "results.h"

namespace {

constexpr int POISON = 0xff;  // NaN in every float format, -1 in integers
constexpr size_t GUARD_BYTES = 512;
constexpr size_t ALIGNMENT = 512;
constexpr size_t REMEMBERED_BYTES = 64 << 20;  // of freed memory

struct Registration {
  size_t bytes;
  bool allocated;  // by the driver
};

struct Registry {
  std::mutex lock;
  std::map<uint64_t, size_t> device;
  std::map<uint64_t, Registration> pinned;
  std::map<uint64_t, size_t> freed;
  std::deque<uint64_t> freedOrder;
  size_t freedBytes = 0;
};

Registry& registry() {
  static Registry& all = *new Registry();
  return all;
}

size_t bytesOf(size_t bytes) { return bytes; }
size_t bytesOf(const Registration& r) { return r.bytes; }

// The range that holds the address, or end().
template <class Map>
typename Map::iterator holding(Map& map, uint64_t address) {
  auto after = map.upper_bound(address);
  if (after == map.begin()) return map.end();
  auto at = std::prev(after);
  return address - at->first < bytesOf(at->second) ? at : map.end();
}

template <class Map>
bool touches(Map& map, uint64_t address, size_t bytes) {
  auto next = map.lower_bound(address);
  return holding(map, address) != map.end() ||
         (next != map.end() && next->first < address + bytes);
}

template <class Map>
bool contains(Map& map, uint64_t address, size_t bytes) {
  auto at = holding(map, address);
  return at != map.end() && bytes <= bytesOf(at->second) - (address - at->first);
}

bool poisoned(const void* start, size_t bytes) {
  const unsigned char* at = (const unsigned char*)start;
  return bytes == 0 || (at[0] == POISON && memcmp(at, at + 1, bytes - 1) == 0);
}

char* blockOf(uint64_t address) { return (char*)address - GUARD_BYTES; }

size_t padded(size_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

bool guardIntact(uint64_t address, size_t bytes) {
  return poisoned(blockOf(address), GUARD_BYTES) &&
         poisoned((char*)address + bytes, padded(bytes) - bytes + GUARD_BYTES);
}

void checkFreed(uint64_t address, size_t bytes) {
  if (poisoned(blockOf(address), padded(bytes) + 2 * GUARD_BYTES)) return;
  counters().writesAfterFree++;
  fprintf(stderr, "[simulated CUDA] %zu bytes at %#lx were written after they were freed\n", bytes,
          (unsigned long)address);
  memset(blockOf(address), POISON, padded(bytes) + 2 * GUARD_BYTES);
}

void forgetOldestFreed(Registry& r) {
  uint64_t address = r.freedOrder.front();
  r.freedOrder.pop_front();
  auto at = r.freed.find(address);
  checkFreed(address, at->second);
  r.freedBytes -= at->second;
  free(blockOf(address));
  r.freed.erase(at);
}

int pin(void* start, size_t bytes, bool allocated) {
  Registry& r = registry();
  std::lock_guard<std::mutex> held(r.lock);
  if (touches(r.pinned, (uint64_t)start, bytes)) return HOST_MEMORY_ALREADY_REGISTERED;
  if (counters().pinnedBytes + bytes > settings().pinnedBytes) return OUT_OF_MEMORY;
  r.pinned[(uint64_t)start] = {bytes, allocated};
  counters().pinnedBytes += (int64_t)bytes;
  counters().registrations++;
  return SUCCESS;
}

int unpin(void* start, bool allocated, int otherwise) {
  Registry& r = registry();
  std::lock_guard<std::mutex> held(r.lock);
  auto at = r.pinned.find((uint64_t)start);
  if (at == r.pinned.end() || at->second.allocated != allocated) return otherwise;
  counters().pinnedBytes -= (int64_t)at->second.bytes;
  counters().registrations--;
  r.pinned.erase(at);
  return SUCCESS;
}

bool mapped(void* start, size_t bytes) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t first = (uintptr_t)start / page * page;
  size_t length = (uintptr_t)start + bytes - first;
  std::vector<unsigned char> resident(length / page + 1);
  return mincore((void*)first, length, resident.data()) == 0;
}

}  // namespace

Place placeOf(uint64_t address, size_t bytes) {
  Registry& r = registry();
  std::lock_guard<std::mutex> held(r.lock);
  if (address + bytes < address) return Place::BROKEN;
  if (contains(r.device, address, bytes)) return Place::DEVICE;
  if (contains(r.pinned, address, bytes)) return Place::PINNED;
  if (touches(r.device, address, bytes) || touches(r.pinned, address, bytes) ||
      touches(r.freed, address, bytes)) {
    return Place::BROKEN;
  }
  return Place::PAGEABLE;
}

bool isReachable(uint64_t address) {
  Registry& r = registry();
  std::lock_guard<std::mutex> held(r.lock);
  return holding(r.device, address) != r.device.end() ||
         holding(r.pinned, address) != r.pinned.end() ||
         holding(r.device, address - 1) != r.device.end() ||
         holding(r.pinned, address - 1) != r.pinned.end();
}

bool wasFreed(uint64_t address) {
  Registry& r = registry();
  std::lock_guard<std::mutex> held(r.lock);
  return holding(r.freed, address) != r.freed.end();
}

bool guardsIntact() {
  Registry& r = registry();
  std::lock_guard<std::mutex> held(r.lock);
  bool intact = true;
  for (const auto& [address, bytes] : r.device) {
    if (guardIntact(address, bytes)) continue;
    fprintf(stderr, "[simulated CUDA] a store beside the %zu bytes at %#lx\n", bytes,
            (unsigned long)address);
    memset(blockOf(address), POISON, GUARD_BYTES);
    memset((char*)address + bytes, POISON, padded(bytes) - bytes + GUARD_BYTES);
    intact = false;
  }
  return intact;
}

void checkFreed() {
  Registry& r = registry();
  std::lock_guard<std::mutex> held(r.lock);
  for (const auto& [address, bytes] : r.freed) checkFreed(address, bytes);
}

int allocateDevice(uint64_t* address, size_t bytes) {
  if (bytes == 0) return INVALID_VALUE;
  Registry& r = registry();
  std::lock_guard<std::mutex> held(r.lock);
  if (counters().deviceBytes + padded(bytes) > settings().memoryBytes) return OUT_OF_MEMORY;
  size_t whole = padded(bytes) + 2 * GUARD_BYTES;
  char* start = (char*)aligned_alloc(ALIGNMENT, whole);
  if (start == nullptr) return OUT_OF_MEMORY;
  memset(start, POISON, whole);
  *address = (uint64_t)start + GUARD_BYTES;
  r.device[*address] = bytes;
  counters().deviceBytes += (int64_t)padded(bytes);
  counters().deviceAllocations++;
  return SUCCESS;
}

int freeDevice(uint64_t address) {
  if (address == 0) return SUCCESS;
  Registry& r = registry();
  std::lock_guard<std::mutex> held(r.lock);
  auto at = r.device.find(address);
  if (at == r.device.end()) return INVALID_VALUE;
  size_t bytes = at->second;
  r.device.erase(at);
  counters().deviceBytes -= (int64_t)padded(bytes);
  counters().deviceAllocations--;
  // Kept for a while: who still uses it finds poison, not someone else's values.
  memset(blockOf(address), POISON, padded(bytes) + 2 * GUARD_BYTES);
  r.freed[address] = bytes;
  r.freedOrder.push_back(address);
  r.freedBytes += bytes;
  while (r.freedBytes > REMEMBERED_BYTES) forgetOldestFreed(r);
  return SUCCESS;
}

void forgetMemory() {
  Registry& r = registry();
  std::vector<uint64_t> addresses;
  {
    std::lock_guard<std::mutex> held(r.lock);
    for (const auto& entry : r.device) addresses.push_back(entry.first);
  }
  for (uint64_t address : addresses) freeDevice(address);
  std::lock_guard<std::mutex> held(r.lock);
  while (!r.freedOrder.empty()) forgetOldestFreed(r);
  for (const auto& [address, registration] : r.pinned) {
    if (registration.allocated) free((void*)address);
  }
  r.pinned.clear();
  counters().pinnedBytes = 0;
  counters().registrations = 0;
}

EXPORTED int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  REQUIRE_CONTEXT;
  return allocateDevice(address, bytes);
}

// Unlike a real one it never waits for work that uses the memory: that is the caller's duty.
EXPORTED int cuMemFree_v2(uint64_t address) {
  REQUIRE_CONTEXT;
  return freeDevice(address);
}

EXPORTED int cuMemGetInfo_v2(size_t* freeBytes, size_t* total) {
  REQUIRE_CONTEXT;
  *total = settings().memoryBytes;
  *freeBytes = *total - (size_t)counters().deviceBytes;
  return SUCCESS;
}

EXPORTED int cuMemHostAlloc(void** start, size_t bytes, unsigned) {
  REQUIRE_CONTEXT;
  if (bytes == 0) return INVALID_VALUE;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t whole = (bytes + page - 1) / page * page;
  void* made = aligned_alloc(page, whole);
  if (made == nullptr) return OUT_OF_MEMORY;
  memset(made, POISON, whole);
  int result = pin(made, bytes, true);
  if (result != SUCCESS) {
    free(made);
  } else {
    *start = made;
  }
  return result;
}

EXPORTED int cuMemAllocHost_v2(void** start, size_t bytes) {
  return cuMemHostAlloc(start, bytes, 0);
}

EXPORTED int cuMemFreeHost(void* start) {
  REQUIRE_CONTEXT;
  int result = unpin(start, true, INVALID_VALUE);
  if (result == SUCCESS) free(start);
  return result;
}

EXPORTED int cuMemHostRegister_v2(void* start, size_t bytes, unsigned flags) {
  REQUIRE_CONTEXT;
  if (start == nullptr || bytes == 0 || flags > 15 || !mapped(start, bytes)) return INVALID_VALUE;
  return pin(start, bytes, false);
}

EXPORTED int cuMemHostUnregister(void* start) {
  REQUIRE_CONTEXT;
  return unpin(start, false, HOST_MEMORY_NOT_REGISTERED);
}

EXPORTED int cuMemHostGetDevicePointer_v2(uint64_t* address, void* host, unsigned flags) {
  REQUIRE_CONTEXT;
  if (flags != 0 || placeOf((uint64_t)host, 1) != Place::PINNED) return INVALID_VALUE;
  *address = (uint64_t)host;
  return SUCCESS;
}
