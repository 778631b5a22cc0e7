#include "context.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <atomic>

#include "control.h"
#include "memory.h"
#include "modules.h"
#include "results.h"
#include "streams.h"

namespace {

constexpr size_t NAME_BYTES = 16;

std::atomic<bool> initialized{false};
std::atomic<int> retained{0};
std::atomic<int> sticky{0};
char contextHandle;
thread_local void* current = nullptr;
thread_local bool inHostFunction = false;

struct Attribute {
  int key;  // CUdevice_attribute
  int value;
};

// An H100's, as far as anyone asks; but blocks have no more shared memory than on any GPU since sm_80.
constexpr Attribute ATTRIBUTES[] = {
    {1, 1024},         // MAX_THREADS_PER_BLOCK
    {2, 1024},         // MAX_BLOCK_DIM_X
    {3, 1024},         // MAX_BLOCK_DIM_Y
    {4, 64},           // MAX_BLOCK_DIM_Z
    {5, 2147483647},   // MAX_GRID_DIM_X
    {6, 65535},        // MAX_GRID_DIM_Y
    {7, 65535},        // MAX_GRID_DIM_Z
    {8, 49152},        // MAX_SHARED_MEMORY_PER_BLOCK
    {9, 65536},        // TOTAL_CONSTANT_MEMORY
    {10, 32},          // WARP_SIZE
    {11, 2147483647},  // MAX_PITCH
    {12, 65536},       // MAX_REGISTERS_PER_BLOCK
    {13, 1980000},     // CLOCK_RATE
    {15, 1},           // GPU_OVERLAP
    {19, 1},           // CAN_MAP_HOST_MEMORY
    {31, 1},           // CONCURRENT_KERNELS
    {36, 2619000},     // MEMORY_CLOCK_RATE
    {37, 5120},        // GLOBAL_MEMORY_BUS_WIDTH
    {38, 52428800},    // L2_CACHE_SIZE
    {39, 2048},        // MAX_THREADS_PER_MULTIPROCESSOR
    {40, 3},           // ASYNC_ENGINE_COUNT
    {41, 1},           // UNIFIED_ADDRESSING
    {75, 9},           // COMPUTE_CAPABILITY_MAJOR
    {76, 0},           // COMPUTE_CAPABILITY_MINOR
    {78, 1},           // STREAM_PRIORITIES_SUPPORTED
    {81, 233472},      // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
    {82, 65536},       // MAX_REGISTERS_PER_MULTIPROCESSOR
    {83, 1},           // MANAGED_MEMORY
    {91, 1},           // CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM
    {97, 101376},      // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    {115, 1},          // MEMORY_POOLS_SUPPORTED
};

void destroyContext() {
  forgetStreams();
  forgetMemory();
  forgetModules();
  sticky = 0;
}

}  // namespace

int contextError() {
  if (!initialized) return NOT_INITIALIZED;
  if (inHostFunction) return NOT_PERMITTED;
  if (current == nullptr || retained == 0) return INVALID_CONTEXT;
  return sticky;
}

void stickError(int result) {
  int none = 0;
  sticky.compare_exchange_strong(none, result);
}

int stickyError() { return sticky; }

void clearError() { sticky = 0; }

HostFunctionScope::HostFunctionScope() { inHostFunction = true; }
HostFunctionScope::~HostFunctionScope() { inHostFunction = false; }

void kappaSimReset() {
  kappaSimRelease();
  destroyContext();
  retained = 0;
  Counters& c = counters();
  for (auto* each : {&c.launches, &c.copies, &c.bytesToDevice, &c.bytesFromDevice,
                     &c.hostFunctions, &c.writesAfterFree, &c.unsupportedCalls, &c.leaks,
                     &c.queueWaits, &c.pageableCopies}) {
    *each = 0;
  }
  settings().pinnedBytes = SIZE_MAX;
  settings().machineCode = false;
  settings().processors = PROCESSORS;
  settings().copiesToFailure = -1;
}

int kappaSimCounters(int64_t* values, int count) {
  checkFreed();
  Counters& c = counters();
  const std::atomic<int64_t>* all[] = {
      &c.launches,    &c.copies,            &c.bytesToDevice, &c.bytesFromDevice, &c.hostFunctions,
      &c.deviceBytes, &c.deviceAllocations, &c.pinnedBytes,   &c.registrations,   &c.streams,
      &c.events,      &c.modules,           &c.writesAfterFree, &c.unsupportedCalls,
      &c.leaks,       &c.queueWaits,        &c.pageableCopies};
  int known = (int)(sizeof all / sizeof *all);
  for (int i = 0; i < count && i < known; i++) values[i] = *all[i];
  return known;
}

EXPORTED int cuInit(unsigned flags) {
  if (flags != 0) return INVALID_VALUE;
  initialized = true;
  return SUCCESS;
}

EXPORTED int cuDriverGetVersion(int* version) {
  *version = 13000;
  return SUCCESS;
}

EXPORTED int cuDeviceGetCount(int* count) {
  if (!initialized) return NOT_INITIALIZED;
  *count = 1;
  return SUCCESS;
}

EXPORTED int cuDeviceGet(int* device, int ordinal) {
  if (!initialized) return NOT_INITIALIZED;
  if (ordinal != 0) return INVALID_DEVICE;
  *device = 0;
  return SUCCESS;
}

EXPORTED int cuDeviceGetName(char* name, int bytes, int device) {
  if (device != 0) return INVALID_DEVICE;
  snprintf(name, (size_t)bytes, "Simulated GPU");
  return SUCCESS;
}

EXPORTED int cuDeviceGetUuid(unsigned char* uuid, int) {
  memset(uuid, 0x51, NAME_BYTES);
  return SUCCESS;
}

EXPORTED int cuDeviceGetUuid_v2(unsigned char* uuid, int device) {
  return cuDeviceGetUuid(uuid, device);
}

EXPORTED int cuDeviceGetPCIBusId(char* id, int bytes, int) {
  snprintf(id, (size_t)bytes, "0000:00:00.0");
  return SUCCESS;
}

EXPORTED int cuDeviceTotalMem_v2(size_t* bytes, int device) {
  if (device != 0) return INVALID_DEVICE;
  *bytes = settings().memoryBytes;
  return SUCCESS;
}

EXPORTED int cuDeviceGetAttribute(int* value, int attribute, int device) {
  if (device != 0) return INVALID_DEVICE;
  *value = 0;
  for (const Attribute& a : ATTRIBUTES) {
    if (a.key == attribute) *value = a.value;
  }
  if (attribute == 16) *value = settings().processors;  // MULTIPROCESSOR_COUNT
  return SUCCESS;
}

EXPORTED int cuDeviceComputeCapability(int* major, int* minor, int) {
  *major = 9;
  *minor = 0;
  return SUCCESS;
}

EXPORTED int cuDevicePrimaryCtxRetain(void** context, int device) {
  if (!initialized) return NOT_INITIALIZED;
  if (device != 0) return INVALID_DEVICE;
  retained++;
  *context = &contextHandle;
  return SUCCESS;
}

EXPORTED int cuDevicePrimaryCtxRelease_v2(int device) {
  if (device != 0) return INVALID_DEVICE;
  if (retained == 0) return INVALID_CONTEXT;
  if (--retained == 0) {
    Counters& c = counters();
    c.leaks += c.deviceAllocations + c.registrations + c.streams + c.events;
    destroyContext();
  }
  return SUCCESS;
}

EXPORTED int cuDevicePrimaryCtxReset_v2(int device) {
  if (device != 0) return INVALID_DEVICE;
  destroyContext();
  return SUCCESS;
}

EXPORTED int cuDevicePrimaryCtxSetFlags_v2(int, unsigned) { return SUCCESS; }

EXPORTED int cuDevicePrimaryCtxGetState(int, unsigned* flags, int* active) {
  *flags = 0;
  *active = retained > 0;
  return SUCCESS;
}

EXPORTED int cuCtxCreate_v2(void** context, unsigned, int device) {
  int result = cuDevicePrimaryCtxRetain(context, device);
  if (result == SUCCESS) current = *context;
  return result;
}

EXPORTED int cuCtxDestroy_v2(void* context) {
  if (context != &contextHandle) return INVALID_CONTEXT;
  current = nullptr;
  return cuDevicePrimaryCtxRelease_v2(0);
}

EXPORTED int cuCtxSetCurrent(void* context) {
  if (!initialized) return NOT_INITIALIZED;
  if (context != nullptr && context != &contextHandle) return INVALID_CONTEXT;
  current = context;
  return SUCCESS;
}

EXPORTED int cuCtxGetCurrent(void** context) {
  *context = current;
  return SUCCESS;
}

EXPORTED int cuCtxPushCurrent_v2(void* context) { return cuCtxSetCurrent(context); }

EXPORTED int cuCtxPopCurrent_v2(void** context) {
  if (context != nullptr) *context = current;
  current = nullptr;
  return SUCCESS;
}

EXPORTED int cuCtxGetDevice(int* device) {
  REQUIRE_CONTEXT;
  *device = 0;
  return SUCCESS;
}

EXPORTED int cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  REQUIRE_CONTEXT;
  if (least != nullptr) *least = 0;
  if (greatest != nullptr) *greatest = -5;
  return SUCCESS;
}

EXPORTED int cuCtxSynchronize() {
  REQUIRE_CONTEXT;
  waitForAllStreams();
  return sticky;
}
