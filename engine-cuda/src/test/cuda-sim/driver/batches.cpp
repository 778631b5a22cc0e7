// Many copies in one call. The copies of a batch have no order among each other, and a source whose
// order of access is not the stream's is read at once, which is when a real driver may read it.
#include "context.h"
#include "control.h"
#include "copies.h"
#include "results.h"
#include "streams.h"

namespace {

enum AccessOrder : int { IN_STREAM_ORDER = 1, DURING_CALL = 2, ANY_ORDER = 3 };

// CUmemcpyAttributes
struct Attributes {
  int accessOrder;
  int sourceLocation[2];
  int targetLocation[2];
  unsigned flags;
};

struct Batch {
  uint64_t* targets;
  uint64_t* sources;
  size_t* sizes;
  size_t count;
  Attributes* attributes;
  size_t* firstOf;  // attributes[i] holds from copy firstOf[i] on
  size_t attributeCount;
};

bool valid(const Batch& b) {
  if (b.count == 0 || b.targets == nullptr || b.sources == nullptr || b.sizes == nullptr ||
      b.attributes == nullptr || b.firstOf == nullptr || b.attributeCount == 0 ||
      b.attributeCount > b.count || b.firstOf[0] != 0) {
    return false;
  }
  for (size_t i = 0; i < b.attributeCount; i++) {
    int order = b.attributes[i].accessOrder;
    if (order < IN_STREAM_ORDER || order > ANY_ORDER) return false;
    if (i > 0 && b.firstOf[i] <= b.firstOf[i - 1]) return false;
    if (b.firstOf[i] >= b.count) return false;
  }
  return true;
}

int orderOf(const Batch& b, size_t copy) {
  size_t i = b.attributeCount - 1;
  while (b.firstOf[i] > copy) i--;
  return b.attributes[i].accessOrder;
}

int submit(const Batch& b, size_t* failed, void* stream) {
  if (failed != nullptr) *failed = SIZE_MAX;
  if (!valid(b)) return INVALID_VALUE;
  StreamPointer found = findStream(stream);
  if (!found) return INVALID_HANDLE;
  if (found->id == 0) return INVALID_VALUE;  // not the default stream
  bool backwards = settings().reverse;
  for (size_t i = 0; i < b.count; i++) {
    size_t copy = backwards ? b.count - 1 - i : i;
    bool readNow = orderOf(b, copy) != IN_STREAM_ORDER;
    int result = submitCopy(b.targets[copy], b.sources[copy], b.sizes[copy], stream, readNow);
    if (result != SUCCESS) {
      if (failed != nullptr) *failed = copy;
      return result;
    }
  }
  return SUCCESS;
}

}  // namespace

// CUDA 12.8 and 12.9
EXPORTED int cuMemcpyBatchAsync(uint64_t* targets, uint64_t* sources, size_t* sizes, size_t count,
                                Attributes* attributes, size_t* firstOf, size_t attributeCount,
                                size_t* failed, void* stream) {
  REQUIRE_CONTEXT;
  return submit({targets, sources, sizes, count, attributes, firstOf, attributeCount}, failed,
                stream);
}

// CUDA 13
EXPORTED int cuMemcpyBatchAsync_v2(uint64_t* targets, uint64_t* sources, size_t* sizes,
                                   size_t count, Attributes* attributes, size_t* firstOf,
                                   size_t attributeCount, void* stream) {
  REQUIRE_CONTEXT;
  return submit({targets, sources, sizes, count, attributes, firstOf, attributeCount}, nullptr,
                stream);
}
