// Copies and fills. What a copy may touch is checked when it is submitted, and again when it runs.
#include "copies.h"

#include <string.h>

#include <memory>
#include <vector>

#include "context.h"
#include "control.h"
#include "memory.h"
#include "results.h"
#include "streams.h"

namespace {

constexpr size_t MAX_PITCH = 2147483647;
constexpr unsigned BETWEEN_PARTS = 3;  // a place to pause, see pauseAt

struct Rectangle {
  uint64_t address;
  size_t pitch;

  size_t span(size_t width, size_t height) const { return (height - 1) * pitch + width; }
};

struct Copy {
  Rectangle target, source;
  size_t width, height;

  Place targetPlace() const { return placeOf(target.address, target.span(width, height)); }
  Place sourcePlace() const { return placeOf(source.address, source.span(width, height)); }

  void rows(size_t from, size_t to) const {
    for (size_t row = from; row < to; row++) {
      memmove((char*)target.address + row * target.pitch,
              (const char*)source.address + row * source.pitch, width);
    }
  }

  // In two parts with time between them, so that who looks too early sees half a copy.
  void perform(uint64_t stream) const {
    if (height > 1) {
      rows(0, height / 2);
      pauseAt(stream, target.address, BETWEEN_PARTS);
      rows(height / 2, height);
      return;
    }
    size_t half = width / 2;
    memmove((char*)target.address, (const char*)source.address, half);
    pauseAt(stream, target.address, BETWEEN_PARTS);
    memmove((char*)target.address + half, (const char*)source.address + half, width - half);
  }
};

// In one step, so that of copies submitted at once exactly one is the n-th.
bool failsNow() { return settings().copiesToFailure.fetch_sub(1) == 0; }

void count(Place target, Place source, size_t bytes) {
  counters().copies++;
  if (target == Place::DEVICE && source != Place::DEVICE) counters().bytesToDevice += bytes;
  if (target != Place::DEVICE && source == Place::DEVICE) counters().bytesFromDevice += bytes;
}

Work workOf(const Copy& copy, Place target, Place source, uint64_t stream,
            std::shared_ptr<std::vector<char>> staged) {
  bool fails = failsNow();
  return [=] {
    (void)staged;  // lives as long as the copy
    if (fails || copy.targetPlace() != target || (!staged && copy.sourcePlace() != source)) {
      return (int)ILLEGAL_ADDRESS;
    }
    copy.perform(stream);
    return (int)SUCCESS;
  };
}

// Pageable memory as on a real one: the call waits for the stream's earlier work, and until it has
// read or written that memory.
// readNow: reads any source before the call returns.
int submit(Copy copy, void* streamHandle, bool readNow = false) {
  if (copy.width == 0 || copy.height == 0) return SUCCESS;
  Place target = copy.targetPlace(), source = copy.sourcePlace();
  if (target == Place::BROKEN || source == Place::BROKEN) return INVALID_VALUE;
  StreamPointer stream = findStream(streamHandle);
  if (!stream) return INVALID_HANDLE;
  bool pageable = target == Place::PAGEABLE || source == Place::PAGEABLE;
  if (pageable) {
    std::lock_guard<std::mutex> held(captureLock());
    if (stream->capture) return STREAM_CAPTURE_UNSUPPORTED;
  }
  count(target, source, copy.width * copy.height);
  if (pageable) counters().pageableCopies++;
  if (source == Place::PAGEABLE) stream->waitUntil(stream->submitted());
  std::shared_ptr<std::vector<char>> staged;
  if (source == Place::PAGEABLE || readNow) {
    staged = std::make_shared<std::vector<char>>(copy.width * copy.height);
    Copy{{(uint64_t)staged->data(), copy.width}, copy.source, copy.width, copy.height}.rows(
        0, copy.height);
    copy.source = {(uint64_t)staged->data(), copy.width};
  }
  uint64_t number = 0;
  int result = enqueue(stream, workOf(copy, target, source, stream->id, staged), &number);
  if (result != SUCCESS || target != Place::PAGEABLE) return result;
  stream->waitUntil(number);
  return stickyError();
}

int submitLine(uint64_t target, uint64_t source, size_t bytes, void* stream) {
  return submitCopy(target, source, bytes, stream, false);
}

bool isDevice(uint64_t address, size_t bytes) {
  Place place = placeOf(address, bytes);
  return place == Place::DEVICE || place == Place::PINNED;  // pinned memory is mapped
}

bool isHost(uint64_t address, size_t bytes) { return placeOf(address, bytes) != Place::DEVICE; }

int finish(int result) {
  if (result != SUCCESS) return result;
  StreamPointer stream = findStream(nullptr);
  stream->waitUntil(stream->submitted());
  return stickyError();
}

int fill(uint64_t target, const void* pattern, size_t patternBytes, size_t count, void* stream) {
  REQUIRE_CONTEXT;
  if (count == 0) return SUCCESS;
  size_t bytes = patternBytes * count;
  if (!isDevice(target, bytes) || target % patternBytes != 0) return INVALID_VALUE;
  std::vector<char> kept((const char*)pattern, (const char*)pattern + patternBytes);
  return enqueue(findStream(stream), [=] {
    if (!isDevice(target, bytes)) return (int)ILLEGAL_ADDRESS;
    for (size_t i = 0; i < count; i++) {
      memcpy((char*)target + i * patternBytes, kept.data(), patternBytes);
    }
    return (int)SUCCESS;
  });
}

enum MemoryType { HOST = 1, DEVICE = 2, ARRAY = 3, UNIFIED = 4 };

// CUDA_MEMCPY2D's two halves have the same layout.
struct Side {
  size_t x, y;
  int type;
  void* host;
  uint64_t device;
  void* array;
  size_t pitch;
};

struct Copy2D {
  Side source, target;
  size_t width, height;
};

int resolve(const Side& side, size_t width, size_t height, Rectangle* resolved) {
  if (side.type != HOST && side.type != DEVICE && side.type != UNIFIED) return INVALID_VALUE;
  if (side.pitch > MAX_PITCH || side.pitch < side.x + width) return INVALID_VALUE;
  uint64_t start = side.type == HOST ? (uint64_t)side.host : side.device;
  *resolved = {start + side.y * side.pitch + side.x, side.pitch};
  size_t span = resolved->span(width, height);
  if (side.type == DEVICE && !isDevice(resolved->address, span)) return INVALID_VALUE;
  if (side.type == HOST && !isHost(resolved->address, span)) return INVALID_VALUE;
  return SUCCESS;
}

}  // namespace

int submitCopy(uint64_t target, uint64_t source, size_t bytes, void* stream, bool readNow) {
  return submit({{target, bytes}, {source, bytes}, bytes, 1}, stream, readNow);
}

EXPORTED int cuMemcpyAsync(uint64_t target, uint64_t source, size_t bytes, void* stream) {
  REQUIRE_CONTEXT;
  return submitLine(target, source, bytes, stream);
}

EXPORTED int cuMemcpyHtoDAsync_v2(uint64_t target, const void* source, size_t bytes,
                                  void* stream) {
  REQUIRE_CONTEXT;
  if (bytes == 0) return SUCCESS;
  if (!isDevice(target, bytes) || !isHost((uint64_t)source, bytes)) return INVALID_VALUE;
  return submitLine(target, (uint64_t)source, bytes, stream);
}

EXPORTED int cuMemcpyDtoHAsync_v2(void* target, uint64_t source, size_t bytes, void* stream) {
  REQUIRE_CONTEXT;
  if (bytes == 0) return SUCCESS;
  if (!isDevice(source, bytes) || !isHost((uint64_t)target, bytes)) return INVALID_VALUE;
  return submitLine((uint64_t)target, source, bytes, stream);
}

EXPORTED int cuMemcpyDtoDAsync_v2(uint64_t target, uint64_t source, size_t bytes, void* stream) {
  REQUIRE_CONTEXT;
  if (bytes == 0) return SUCCESS;
  if (!isDevice(target, bytes) || !isDevice(source, bytes)) return INVALID_VALUE;
  return submitLine(target, source, bytes, stream);
}

EXPORTED int cuMemcpyHtoD_v2(uint64_t target, const void* source, size_t bytes) {
  return finish(cuMemcpyHtoDAsync_v2(target, source, bytes, nullptr));
}

EXPORTED int cuMemcpyDtoH_v2(void* target, uint64_t source, size_t bytes) {
  return finish(cuMemcpyDtoHAsync_v2(target, source, bytes, nullptr));
}

EXPORTED int cuMemcpyDtoD_v2(uint64_t target, uint64_t source, size_t bytes) {
  return finish(cuMemcpyDtoDAsync_v2(target, source, bytes, nullptr));
}

EXPORTED int cuMemcpy(uint64_t target, uint64_t source, size_t bytes) {
  return finish(cuMemcpyAsync(target, source, bytes, nullptr));
}

EXPORTED int cuMemcpy2DAsync_v2(const Copy2D* given, void* stream) {
  REQUIRE_CONTEXT;
  if (given->width == 0 || given->height == 0) return SUCCESS;
  Copy copy{{}, {}, given->width, given->height};
  if (int result = resolve(given->source, copy.width, copy.height, &copy.source)) return result;
  if (int result = resolve(given->target, copy.width, copy.height, &copy.target)) return result;
  return submit(copy, stream);
}

EXPORTED int cuMemcpy2D_v2(const Copy2D* given) {
  return finish(cuMemcpy2DAsync_v2(given, nullptr));
}

EXPORTED int cuMemcpy2DUnaligned_v2(const Copy2D* given) { return cuMemcpy2D_v2(given); }

EXPORTED int cuMemsetD8Async(uint64_t target, unsigned char value, size_t count, void* stream) {
  return fill(target, &value, 1, count, stream);
}

EXPORTED int cuMemsetD16Async(uint64_t target, unsigned short value, size_t count, void* stream) {
  return fill(target, &value, 2, count, stream);
}

EXPORTED int cuMemsetD32Async(uint64_t target, unsigned value, size_t count, void* stream) {
  return fill(target, &value, 4, count, stream);
}

EXPORTED int cuMemsetD8_v2(uint64_t target, unsigned char value, size_t count) {
  return cuMemsetD8Async(target, value, count, nullptr);
}

EXPORTED int cuMemsetD16_v2(uint64_t target, unsigned short value, size_t count) {
  return cuMemsetD16Async(target, value, count, nullptr);
}

EXPORTED int cuMemsetD32_v2(uint64_t target, unsigned value, size_t count) {
  return cuMemsetD32Async(target, value, count, nullptr);
}

// For the simulated cuBLAS: whether its operands lie where the device can reach them.
EXPORTED int kappaSimReachable(const void* address, size_t bytes) {
  return isDevice((uint64_t)address, bytes);
}
