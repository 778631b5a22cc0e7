// Streams are threads that take work from a queue. Whoever waits names a stream and how much of its
// work must be done.
#pragma once

#include <stdint.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

// One piece of work; returns a result that sticks to the context unless it is SUCCESS.
using Work = std::function<int()>;

struct Graph {
  std::vector<Work> nodes;  // in the order of submission, which every dependency allows
  int invalid = 0;          // why the capture cannot become a graph
};

class Stream {
 public:
  Stream(uint64_t id, bool waitsForDefault);

  // Puts work behind all others; returns the number that it has. Waits while the queue is full, and
  // the caller with it, as a real driver does.
  uint64_t submit(Work work);
  void waitUntil(uint64_t number);
  bool reached(uint64_t number);
  uint64_t submitted();
  void end();

  const uint64_t id;
  const bool waitsForDefault;

  // Capture, guarded by captureLock().
  std::shared_ptr<Graph> capture;
  bool captureOrigin = false;

 private:
  void run();

  std::mutex lock;
  std::condition_variable changed;
  std::deque<Work> queue;
  uint64_t accepted = 0;
  uint64_t finished = 0;
  bool ending = false;
};

using StreamPointer = std::shared_ptr<Stream>;

// Null if there is no such stream.
StreamPointer findStream(void* handle);

// Submits in the order that the default stream imposes, or to the capture in progress.
// `number` gets the work's number, 0 while capturing.
int enqueue(const StreamPointer& stream, Work work, uint64_t* number = nullptr);

std::mutex& captureLock();
// Takes the other streams out of a capture that has ended. The caller holds captureLock().
void endJoinedCaptures(const std::shared_ptr<Graph>& capture);
// Makes a host function's call on the one thread that makes them all, one after the other; returns
// when it is over.
void callHost(void (*function)(void*), void* data);
void waitForAllStreams();
void forgetStreams();
void forgetEvents();
