#include "fibers.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <mutex>

namespace onhost {

thread_local Block* currentBlock = nullptr;

namespace {

constexpr size_t STACK_BYTES = 64 << 10;  // of a fiber; committed when touched
constexpr size_t GUARD_BYTES = 1024;      // behind dynamic shared memory
constexpr int POISON = 0xff;              // a NaN in every float format, -1 in integers

}  // namespace

#if defined(__x86_64__)
// void onhost_switch(void** saved, void* next): saves what a call must preserve, continues at next.
extern "C" void onhost_switch(void** saved, void* next);
asm(R"(
.text
.hidden onhost_switch
.type onhost_switch, @function
onhost_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  sub $8, %rsp
  stmxcsr (%rsp)
  fnstcw 4(%rsp)
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  ldmxcsr (%rsp)
  fldcw 4(%rsp)
  add $8, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
.size onhost_switch, .-onhost_switch
)");
#else
#error "The simulated device runs on x86-64 only."
#endif

namespace {

void leaveBlock() {
  void* abandoned;
  onhost_switch(&abandoned, block().schedulerStack);
}

// Continues with the next thread that waits for nothing; if there is none, nobody ever will.
void runNext() {
  Block& b = block();
  Thread* self = b.current;
  int number = self->number;
  for (int i = 0; i < b.count; i++) {
    number = (number + b.step + b.count) % b.count;
    Thread* next = &b.threads[number];
    if (next->waiting != Waiting::NOTHING) continue;
    if (next == self) return;
    b.current = next;
    onhost_switch(&self->stackPointer, next->stackPointer);
    return;
  }
  fail("deadlock: some threads wait at a barrier that others never reach");
}

void releaseBarrier() {
  Block& b = block();
  int line = 0;
  for (int i = 0; i < b.count; i++) {
    Thread& t = b.threads[i];
    if (t.waiting != Waiting::BLOCK) continue;
    if (line != 0 && t.barrierLine != line) fail("threads meet at different __syncthreads()");
    line = t.barrierLine;
    t.waiting = Waiting::NOTHING;
  }
  b.atBarrier = 0;
}

// Performs the action if all lanes of the mask that still run have come.
void completeWarp(Warp& warp, int firstThread, unsigned mask) {
  unsigned lanes = mask & warp.alive;
  if (lanes == 0 || (lanes & ~warp.waiting) != 0) return;
  WarpAction action = nullptr;
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    int l = __builtin_ctz(rest);
    if (warp.waitMask[l] != mask) return;
    if (action != nullptr && warp.action[l] != action) {
      fail("lanes of a warp meet at different warp operations");
    }
    action = warp.action[l];
  }
  action(warp.argument, lanes);
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    int l = __builtin_ctz(rest);
    block().threads[firstThread + l].waiting = Waiting::NOTHING;
  }
  warp.waiting &= ~lanes;
}

// Where every fiber begins, and begins again for each block.
void fiberMain() {
  for (;;) {
    Block& b = block();
    b.body(b.arguments);
    Thread& self = *b.current;
    int l = self.number % WARP_LANES;
    Warp& warp = b.warps[self.number / WARP_LANES];
    self.waiting = Waiting::ENDED;
    warp.alive &= ~(1u << l);
    if (--b.alive == 0) leaveBlock();
    for (unsigned rest = warp.waiting; rest != 0; rest &= rest - 1) {
      int other = __builtin_ctz(rest);
      unsigned mask = warp.waitMask[other];
      bool waits = warp.waiting >> other & 1;  // it may have gone on with one before it
      if (waits && (mask >> l & 1)) completeWarp(warp, self.number - l, mask);
    }
    if (b.atBarrier > 0 && b.atBarrier == b.alive) releaseBarrier();
    runNext();
  }
}

void* newFiber(char* stackTop, int number) {
  // Staggered, so that the fibers' frames do not share cache sets.
  uintptr_t top = ((uintptr_t)stackTop & ~(uintptr_t)63) - (size_t)(number & 15) * 192;
  void** slot = (void**)top;
  *--slot = nullptr;  // keeps the stack aligned as after a call
  *--slot = (void*)&fiberMain;
  for (int i = 0; i < 6; i++) *--slot = nullptr;
  unsigned* controls = (unsigned*)--slot;
  controls[0] = 0x1f80;  // MXCSR: round to nearest, all exceptions masked
  controls[1] = 0x037f;  // x87 control word
  return slot;
}

struct SharedVariables {
  char* start = nullptr;
  size_t bytes = 0;
};

// This library's thread-local variables: the kernels' __shared__ ones, and currentBlock.
SharedVariables findSharedVariables() {
  SharedVariables found;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* result) {
        for (int i = 0; i < info->dlpi_phnum; i++) {
          const ElfW(Phdr)& header = info->dlpi_phdr[i];
          char* start = (char*)info->dlpi_tls_data;
          char* own = (char*)&currentBlock;
          if (header.p_type == PT_TLS && start != nullptr && own >= start &&
              own < start + header.p_memsz) {
            *(SharedVariables*)result = {start, header.p_memsz};
            return 1;
          }
        }
        return 0;
      },
      &found);
  return found;
}

void poisonShared(const SharedVariables& variables) {
  Block* kept = currentBlock;
  if (variables.start != nullptr) memset(variables.start, POISON, variables.bytes);
  currentBlock = kept;
  Block& b = *kept;
  memset(b.dynamicShared, POISON, b.dynamicSharedBytes + GUARD_BYTES);
}

void startBlock(size_t number) {
  Block& b = block();
  b.index = {(unsigned)(number % b.gridDimensions.x),
             (unsigned)(number / b.gridDimensions.x % b.gridDimensions.y),
             (unsigned)(number / b.gridDimensions.x / b.gridDimensions.y)};
  b.alive = b.count;
  b.atBarrier = 0;
  b.failure = nullptr;
  for (int i = 0; i * WARP_LANES < b.count; i++) {
    int lanes = b.count - i * WARP_LANES;
    b.warps[i].alive = lanes >= WARP_LANES ? ~0u : (1u << lanes) - 1;
    b.warps[i].waiting = 0;
  }
  for (int i = 0; i < b.count; i++) {
    Thread& t = b.threads[i];
    t.number = i;
    t.index = {i % b.dimensions.x, i / b.dimensions.x % b.dimensions.y,
               i / (b.dimensions.x * b.dimensions.y)};
    t.waiting = Waiting::NOTHING;
    t.openCopies.clear();
    t.copyGroups.clear();
    t.stackPointer = newFiber(b.stacks + (size_t)(i + 1) * STACK_BYTES, i);
  }
  b.current = &b.threads[b.step > 0 ? 0 : b.count - 1];
}

void checkGuard() {
  Block& b = block();
  const unsigned char* guard = (unsigned char*)b.dynamicShared + b.dynamicSharedBytes;
  for (size_t i = 0; i < GUARD_BYTES; i++) {
    if (guard[i] != POISON) b.failure = "a store behind the dynamic shared memory";
  }
}

void prepare(Block& b, const KernelLaunch& launch) {
  b.dimensions = dim3(launch.block[0], launch.block[1], launch.block[2]);
  b.gridDimensions = dim3(launch.grid[0], launch.grid[1], launch.grid[2]);
  b.count = (int)(launch.block[0] * launch.block[1] * launch.block[2]);
  b.step = launch.reverse ? -1 : 1;
  b.dynamicSharedBytes = launch.dynamicSharedBytes;
  if (b.dynamicShared == nullptr || b.dynamicSharedCapacity < launch.dynamicSharedBytes) {
    free(b.dynamicShared);
    b.dynamicSharedCapacity = (launch.dynamicSharedBytes + 1023) & ~(size_t)1023;
    b.dynamicShared = (char*)aligned_alloc(1024, b.dynamicSharedCapacity + GUARD_BYTES);
  }
}

// Blocks are kept for later launches: their stacks are dear to map. At most one per busy stream.
std::mutex& poolLock = *new std::mutex;
std::vector<Block*>& pool = *new std::vector<Block*>;

Block* takeBlock() {
  {
    std::lock_guard<std::mutex> held(poolLock);
    if (!pool.empty()) {
      Block* pooled = pool.back();
      pool.pop_back();
      return pooled;
    }
  }
  Block* made = new Block();
  made->stacks = (char*)mmap(nullptr, STACK_BYTES * MAX_THREADS, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return made;
}

void returnBlock(Block* b) {
  std::lock_guard<std::mutex> held(poolLock);
  pool.push_back(b);
}

}  // namespace

void fail(const char* reason) {
  block().failure = reason;
  leaveBlock();
  __builtin_unreachable();
}

void waitForBlock(int line) {
  Block& b = block();
  b.current->waiting = Waiting::BLOCK;
  b.current->barrierLine = line;
  if (++b.atBarrier == b.alive) {
    releaseBarrier();
  } else {
    runNext();
  }
}

void waitForWarp(unsigned mask, void* argument, WarpAction action) {
  Block& b = block();
  Thread& self = *b.current;
  int l = self.number % WARP_LANES;
  if (!(mask >> l & 1)) fail("a lane is not in the mask of its own warp operation");
  Warp& warp = b.warps[self.number / WARP_LANES];
  warp.waiting |= 1u << l;
  warp.waitMask[l] = mask;
  warp.argument[l] = argument;
  warp.action[l] = action;
  self.waiting = Waiting::WARP;
  completeWarp(warp, self.number - l, mask);
  if (self.waiting != Waiting::NOTHING) runNext();
}

int runBlocks(const KernelLaunch& launch, KernelBody body, void* const* arguments) {
  Block* b = takeBlock();
  prepare(*b, launch);
  b->body = body;
  b->arguments = arguments;
  currentBlock = b;
  SharedVariables shared = findSharedVariables();
  size_t blocks = (size_t)launch.grid[0] * launch.grid[1] * launch.grid[2];
  int result = 0;
  for (size_t i = 0; i < blocks && result == 0; i++) {
    poisonShared(shared);
    startBlock(launch.reverse ? blocks - 1 - i : i);
    onhost_switch(&b->schedulerStack, b->current->stackPointer);
    if (b->failure == nullptr) checkGuard();
    if (b->failure != nullptr) {
      fprintf(stderr, "[kernel] block (%u, %u, %u), thread %d: %s\n", b->index.x, b->index.y,
              b->index.z, b->current->number, b->failure);
      result = LAUNCH_FAILED;
    }
  }
  currentBlock = nullptr;
  returnBlock(b);
  return result;
}

}  // namespace onhost
