#include "streams.h"

#include <map>
#include <thread>

#include "context.h"
#include "control.h"
#include "results.h"

namespace {

constexpr unsigned NON_BLOCKING = 1;  // CU_STREAM_NON_BLOCKING
constexpr uint64_t MOST_PENDING = 1024;
enum PausePlace : unsigned { BEFORE_WORK = 1, AFTER_WORK = 2 };

// Never destroyed: threads may outlive static destructors.
struct Streams {
  std::mutex lock;
  std::map<void*, StreamPointer> byHandle;
  StreamPointer defaultStream;
  uint64_t nextId = 1;
};

Streams& streams() {
  static Streams& all = *new Streams();
  return all;
}

StreamPointer defaultStream() {
  Streams& all = streams();
  std::lock_guard<std::mutex> held(all.lock);
  if (!all.defaultStream) all.defaultStream = std::make_shared<Stream>(0, true);
  return all.defaultStream;
}

std::vector<StreamPointer> everyStream() {
  Streams& all = streams();
  std::lock_guard<std::mutex> held(all.lock);
  std::vector<StreamPointer> found;
  if (all.defaultStream) found.push_back(all.defaultStream);
  for (const auto& entry : all.byHandle) found.push_back(entry.second);
  return found;
}

void waitBefore(const StreamPointer& stream, const StreamPointer& other) {
  uint64_t number = other->submitted();
  if (other->reached(number)) return;
  stream->submit([other, number] {
    other->waitUntil(number);
    return SUCCESS;
  });
}

}  // namespace

Stream::Stream(uint64_t id, bool waitsForDefault) : id(id), waitsForDefault(waitsForDefault) {
  std::thread([this] { run(); }).detach();
}

uint64_t Stream::submit(Work work) {
  std::unique_lock<std::mutex> held(lock);
  if (accepted - finished >= MOST_PENDING) {
    counters().queueWaits++;
    changed.wait(held, [&] { return accepted - finished < MOST_PENDING; });
  }
  queue.push_back(std::move(work));
  changed.notify_all();
  return ++accepted;
}

void Stream::waitUntil(uint64_t number) {
  std::unique_lock<std::mutex> held(lock);
  changed.wait(held, [&] { return finished >= number; });
}

bool Stream::reached(uint64_t number) {
  std::lock_guard<std::mutex> held(lock);
  return finished >= number;
}

uint64_t Stream::submitted() {
  std::lock_guard<std::mutex> held(lock);
  return accepted;
}

void Stream::end() {
  std::unique_lock<std::mutex> held(lock);
  ending = true;
  changed.notify_all();
  changed.wait(held, [&] { return !ending; });
}

void Stream::run() {
  for (;;) {
    Work work;
    uint64_t number;
    {
      std::unique_lock<std::mutex> held(lock);
      changed.wait(held, [&] { return ending || !queue.empty(); });
      if (queue.empty()) {
        ending = false;  // the last thing that this thread touches
        changed.notify_all();
        return;
      }
      work = std::move(queue.front());
      queue.pop_front();
      number = finished;
    }
    if (stickyError() == SUCCESS) {
      pauseAt(id, number, BEFORE_WORK);
      int result = work();
      if (result != SUCCESS) stickError(result);
      pauseAt(id, number, AFTER_WORK);
    }
    work = nullptr;
    std::lock_guard<std::mutex> held(lock);
    finished++;
    changed.notify_all();
  }
}

std::mutex& captureLock() {
  static std::mutex& lock = *new std::mutex();
  return lock;
}

StreamPointer findStream(void* handle) {
  if ((uintptr_t)handle <= 2) return defaultStream();  // null, legacy and per-thread default
  Streams& all = streams();
  std::lock_guard<std::mutex> held(all.lock);
  auto at = all.byHandle.find(handle);
  return at == all.byHandle.end() ? nullptr : at->second;
}

int enqueue(const StreamPointer& stream, Work work, uint64_t* number) {
  if (number != nullptr) *number = 0;
  if (!stream) return INVALID_HANDLE;
  {
    std::lock_guard<std::mutex> held(captureLock());
    if (stream->capture) {
      if (stream->capture->invalid != SUCCESS) return STREAM_CAPTURE_INVALIDATED;
      stream->capture->nodes.push_back(std::move(work));
      return SUCCESS;
    }
  }
  StreamPointer first = defaultStream();
  if (stream == first) {
    for (const StreamPointer& other : everyStream()) {
      if (other != first && other->waitsForDefault) waitBefore(stream, other);
    }
  } else if (stream->waitsForDefault) {
    waitBefore(stream, first);
  }
  uint64_t given = stream->submit(std::move(work));
  if (number != nullptr) *number = given;
  return SUCCESS;
}

void endJoinedCaptures(const std::shared_ptr<Graph>& capture) {
  for (const StreamPointer& stream : everyStream()) {
    if (stream->capture == capture) stream->capture = nullptr;
  }
}

void callHost(void (*function)(void*), void* data) {
  struct HostThread {
    std::mutex lock;
    std::condition_variable changed;
    std::deque<std::function<void()>> calls;
    uint64_t accepted = 0;
    uint64_t returned = 0;

    HostThread() {
      std::thread([this] { run(); }).detach();
    }

    void run() {
      std::unique_lock<std::mutex> held(lock);
      for (;;) {
        changed.wait(held, [&] { return !calls.empty(); });
        auto call = std::move(calls.front());
        calls.pop_front();
        held.unlock();
        call();
        held.lock();
        returned++;
        changed.notify_all();
      }
    }
  };
  static HostThread& thread = *new HostThread();
  std::unique_lock<std::mutex> held(thread.lock);
  thread.calls.push_back([function, data] {
    HostFunctionScope scope;
    function(data);
  });
  uint64_t number = ++thread.accepted;
  thread.changed.notify_all();
  thread.changed.wait(held, [&] { return thread.returned >= number; });
}

void waitForAllStreams() {
  for (const StreamPointer& stream : everyStream()) stream->waitUntil(stream->submitted());
}

void forgetStreams() {
  waitForAllStreams();
  Streams& all = streams();
  std::vector<StreamPointer> ended = everyStream();
  {
    std::lock_guard<std::mutex> held(all.lock);
    all.byHandle.clear();
    all.defaultStream = nullptr;
    all.nextId = 1;
  }
  for (const StreamPointer& stream : ended) stream->end();
  counters().streams = 0;
  forgetEvents();
}

EXPORTED int cuStreamCreateWithPriority(void** handle, unsigned flags, int) {
  REQUIRE_CONTEXT;
  if (flags > NON_BLOCKING) return INVALID_VALUE;
  Streams& all = streams();
  std::lock_guard<std::mutex> held(all.lock);
  auto made = std::make_shared<Stream>(all.nextId++, flags != NON_BLOCKING);
  *handle = made.get();
  all.byHandle[*handle] = made;
  counters().streams++;
  return SUCCESS;
}

EXPORTED int cuStreamCreate(void** handle, unsigned flags) {
  return cuStreamCreateWithPriority(handle, flags, 0);
}

EXPORTED int cuStreamDestroy_v2(void* handle) {
  REQUIRE_CONTEXT;
  StreamPointer stream = findStream(handle);
  if (!stream || stream->id == 0) return INVALID_HANDLE;
  {
    Streams& all = streams();
    std::lock_guard<std::mutex> held(all.lock);
    all.byHandle.erase(handle);
  }
  counters().streams--;
  stream->end();
  return SUCCESS;
}

EXPORTED int cuStreamSynchronize(void* handle) {
  REQUIRE_CONTEXT;
  StreamPointer stream = findStream(handle);
  if (!stream) return INVALID_HANDLE;
  {
    std::lock_guard<std::mutex> held(captureLock());
    if (stream->capture) {
      stream->capture->invalid = STREAM_CAPTURE_INVALIDATED;
      return STREAM_CAPTURE_UNSUPPORTED;
    }
  }
  stream->waitUntil(stream->submitted());
  return stickyError();
}

EXPORTED int cuStreamQuery(void* handle) {
  REQUIRE_CONTEXT;
  StreamPointer stream = findStream(handle);
  if (!stream) return INVALID_HANDLE;
  return stream->reached(stream->submitted()) ? stickyError() : NOT_READY;
}

EXPORTED int cuStreamGetPriority(void*, int* priority) {
  REQUIRE_CONTEXT;
  *priority = 0;
  return SUCCESS;
}

EXPORTED int cuLaunchHostFunc(void* handle, void (*function)(void*), void* data) {
  REQUIRE_CONTEXT;
  if (function == nullptr) return INVALID_VALUE;
  return enqueue(findStream(handle), [function, data] {
    counters().hostFunctions++;
    callHost(function, data);
    return SUCCESS;
  });
}

namespace {

struct Holds {
  std::mutex lock;
  std::condition_variable changed;
  uint64_t releases = 0;
};

Holds& holds() {
  static Holds& all = *new Holds();
  return all;
}

}  // namespace

int kappaSimHold(void* handle) {
  std::lock_guard<std::mutex> held(holds().lock);
  uint64_t until = holds().releases + 1;
  return enqueue(findStream(handle), [until] {
    std::unique_lock<std::mutex> waiting(holds().lock);
    holds().changed.wait(waiting, [&] { return holds().releases >= until; });
    return SUCCESS;
  });
}

void kappaSimRelease() {
  std::lock_guard<std::mutex> held(holds().lock);
  holds().releases++;
  holds().changed.notify_all();
}

// For the simulated cuBLAS: work that can fail.
EXPORTED int kappaSimEnqueue(void* handle, int (*function)(void*), void* data) {
  REQUIRE_CONTEXT;
  return enqueue(findStream(handle), [function, data] { return function(data); });
}
