// Events are tickets: a stream, and the number of the work that must be done. Taking a new ticket
// leaves those who wait for the old one alone.
#include <chrono>
#include <map>

#include "context.h"
#include "control.h"
#include "results.h"
#include "streams.h"

namespace {

constexpr unsigned DISABLE_TIMING = 2;  // CU_EVENT_DISABLE_TIMING

using Clock = std::chrono::steady_clock;

struct Ticket {
  StreamPointer stream;
  uint64_t number = 0;
  std::shared_ptr<Graph> capture;  // of a recording within a capture
  Clock::time_point time;
};

struct Event {
  bool timed;
  std::shared_ptr<Ticket> latest;
};

struct Events {
  std::mutex lock;
  std::map<void*, std::unique_ptr<Event>> byHandle;
};

Events& events() {
  static Events& all = *new Events();
  return all;
}

// The latest ticket (null if never recorded); INVALID_HANDLE if there is no such event.
int find(void* handle, std::shared_ptr<Ticket>* ticket, bool* timed = nullptr) {
  Events& all = events();
  std::lock_guard<std::mutex> held(all.lock);
  auto at = all.byHandle.find(handle);
  if (at == all.byHandle.end()) return INVALID_HANDLE;
  *ticket = at->second->latest;
  if (timed != nullptr) *timed = at->second->timed;
  return SUCCESS;
}

bool complete(const std::shared_ptr<Ticket>& ticket) {
  return !ticket || ticket->stream->reached(ticket->number);
}

}  // namespace

void forgetEvents() {
  Events& all = events();
  std::lock_guard<std::mutex> held(all.lock);
  all.byHandle.clear();
  counters().events = 0;
}

EXPORTED int cuEventCreate(void** handle, unsigned flags) {
  REQUIRE_CONTEXT;
  Events& all = events();
  std::lock_guard<std::mutex> held(all.lock);
  auto made = std::make_unique<Event>(Event{(flags & DISABLE_TIMING) == 0, nullptr});
  *handle = made.get();
  all.byHandle[*handle] = std::move(made);
  counters().events++;
  return SUCCESS;
}

EXPORTED int cuEventDestroy_v2(void* handle) {
  REQUIRE_CONTEXT;
  Events& all = events();
  std::lock_guard<std::mutex> held(all.lock);
  if (all.byHandle.erase(handle) == 0) return INVALID_HANDLE;
  counters().events--;
  return SUCCESS;
}

EXPORTED int cuEventRecord(void* handle, void* streamHandle) {
  REQUIRE_CONTEXT;
  StreamPointer stream = findStream(streamHandle);
  std::shared_ptr<Ticket> old;
  if (!stream || find(handle, &old) != SUCCESS) return INVALID_HANDLE;
  auto ticket = std::make_shared<Ticket>();
  ticket->stream = stream;
  {
    std::lock_guard<std::mutex> held(captureLock());
    ticket->capture = stream->capture;
  }
  if (!ticket->capture) {
    int result = enqueue(
        stream,
        [ticket] {
          ticket->time = Clock::now();
          return SUCCESS;
        },
        &ticket->number);
    if (result != SUCCESS) return result;
  }
  Events& all = events();
  std::lock_guard<std::mutex> held(all.lock);
  auto at = all.byHandle.find(handle);
  if (at != all.byHandle.end()) at->second->latest = ticket;
  return SUCCESS;
}

EXPORTED int cuEventRecordWithFlags(void* handle, void* stream, unsigned) {
  return cuEventRecord(handle, stream);
}

EXPORTED int cuEventSynchronize(void* handle) {
  REQUIRE_CONTEXT;
  std::shared_ptr<Ticket> ticket;
  if (find(handle, &ticket) != SUCCESS) return INVALID_HANDLE;
  if (ticket && ticket->capture) return CAPTURED_EVENT;
  if (ticket) ticket->stream->waitUntil(ticket->number);
  return stickyError();
}

EXPORTED int cuEventQuery(void* handle) {
  REQUIRE_CONTEXT;
  std::shared_ptr<Ticket> ticket;
  if (find(handle, &ticket) != SUCCESS) return INVALID_HANDLE;
  if (ticket && ticket->capture) return CAPTURED_EVENT;
  return complete(ticket) ? stickyError() : NOT_READY;
}

EXPORTED int cuEventElapsedTime(float* millis, void* from, void* to) {
  REQUIRE_CONTEXT;
  std::shared_ptr<Ticket> first, last;
  bool firstTimed, lastTimed;
  if (find(from, &first, &firstTimed) != SUCCESS || find(to, &last, &lastTimed) != SUCCESS ||
      !first || !last || !firstTimed || !lastTimed) {
    return INVALID_HANDLE;
  }
  if (!complete(first) || !complete(last)) return NOT_READY;
  *millis = std::chrono::duration<float, std::milli>(last->time - first->time).count();
  return SUCCESS;
}

EXPORTED int cuEventElapsedTime_v2(float* millis, void* from, void* to) {
  return cuEventElapsedTime(millis, from, to);
}

EXPORTED int cuStreamWaitEvent(void* streamHandle, void* handle, unsigned) {
  REQUIRE_CONTEXT;
  StreamPointer stream = findStream(streamHandle);
  std::shared_ptr<Ticket> ticket;
  if (!stream || find(handle, &ticket) != SUCCESS) return INVALID_HANDLE;
  if (!ticket) return SUCCESS;
  {
    std::lock_guard<std::mutex> held(captureLock());
    if (stream->capture && ticket->capture != stream->capture) {
      stream->capture->invalid = STREAM_CAPTURE_INVALIDATED;
      return STREAM_CAPTURE_ISOLATION;
    }
    if (ticket->capture) {
      stream->capture = ticket->capture;  // joins the capture that the event belongs to
      return SUCCESS;
    }
  }
  return enqueue(stream, [ticket] {
    ticket->stream->waitUntil(ticket->number);
    return SUCCESS;
  });
}
