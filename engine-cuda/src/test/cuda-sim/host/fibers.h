// Runs a block of CUDA threads as fibers of one OS thread. A fiber runs until it waits for others, so
// that what is not ordered by a barrier happens in the order of the threads, or in the reverse one.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "kernel_abi.h"
#include "vector_types.h"

namespace onhost {

constexpr int WARP_LANES = 32;
constexpr int MAX_THREADS = 1024;
constexpr int LAUNCH_FAILED = 719;

enum class Waiting : unsigned char { NOTHING, BLOCK, WARP, ENDED };

// A piece of cp.async: performed as late as the program allows, when it is waited for.
struct DeferredCopy {
  void* target;
  const void* source;  // null: zeros
  int bytes;
};

struct Thread {
  void* stackPointer;
  uint3 index;
  int number;  // within the block
  Waiting waiting;
  int barrierLine;
  std::vector<DeferredCopy> openCopies;
  std::vector<std::vector<DeferredCopy>> copyGroups;
};

// What lanes do together, called once, by the last to arrive: arguments[lane] is that lane's.
using WarpAction = void (*)(void** arguments, unsigned lanes);

struct Warp {
  unsigned alive;
  unsigned waiting;               // lanes at a warp operation
  unsigned waitMask[WARP_LANES];  // of those lanes: whom they wait for
  WarpAction action[WARP_LANES];
  void* argument[WARP_LANES];
};

using KernelBody = void (*)(void* const* arguments);

struct Block {
  Thread threads[MAX_THREADS];
  Warp warps[MAX_THREADS / WARP_LANES];
  int count;
  int alive;
  int atBarrier;
  int step;  // 1 or -1: who comes next
  const char* failure;
  void* schedulerStack;
  char* stacks;
  char* dynamicShared;
  size_t dynamicSharedBytes;
  size_t dynamicSharedCapacity;
  uint3 index;
  dim3 dimensions;
  dim3 gridDimensions;
  Thread* current;
  KernelBody body;
  void* const* arguments;
};

extern thread_local Block* currentBlock;

inline Block& block() { return *currentBlock; }
inline Thread& thread() { return *currentBlock->current; }
inline int lane() { return thread().number % WARP_LANES; }

// Ends the launch with CUDA_ERROR_LAUNCH_FAILED; does not return.
[[noreturn]] void fail(const char* reason);

void waitForBlock(int line);
void waitForWarp(unsigned mask, void* argument, WarpAction action);
int runBlocks(const KernelLaunch& launch, KernelBody body, void* const* arguments);

}  // namespace onhost
