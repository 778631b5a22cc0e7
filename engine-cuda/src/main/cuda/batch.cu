// What kernels read about a step's batch, brought to device memory once: host memory is a round trip
// over the link away.
#include "kappa.cuh"
#include "attention.cuh"

// Numbers that a thread copies, all under way at once.
#define STAGED_PER_THREAD 8

// Grid: pieces of blockDim.x * STAGED_PER_THREAD numbers, sequences. A sequence's first row tells where its
// rows are; of its blocks as many are copied as its context has.
__device__ __forceinline__ void copyNumbers(const int* from, int* to, int count) {
  int first = (int)(blockIdx.x * blockDim.x * STAGED_PER_THREAD + threadIdx.x);
  int read[STAGED_PER_THREAD];
#pragma unroll
  for (int i = 0; i < STAGED_PER_THREAD; i++) {
    int at = first + i * (int)blockDim.x;
    if (at < count) read[i] = from[at];
  }
#pragma unroll
  for (int i = 0; i < STAGED_PER_THREAD; i++) {
    int at = first + i * (int)blockDim.x;
    if (at < count) to[at] = read[i];
  }
}

KAPPA_KERNEL(stageBatch)
(const int* __restrict__ positions, const int* __restrict__ sequences,
 const int* __restrict__ queryStarts, const int* __restrict__ contextLengths,
 const int* __restrict__ tables, int maxBlocks, int blockTokens, int* toPositions,
 int* toSequences, int* toTables) {
  int begin = queryStarts[blockIdx.y];
  int rows = queryStarts[blockIdx.y + 1] - begin;
  copyNumbers(positions + begin, toPositions + begin, rows);
  copyNumbers(sequences + begin, toSequences + begin, rows);
  size_t table = (size_t)blockIdx.y * maxBlocks;
  int blocks = (contextLengths[blockIdx.y] + blockTokens - 1) / blockTokens;
  copyNumbers(tables + table, toTables + table, min(blocks, maxBlocks));
}
EXPORT_KERNEL(stageBatch)

// Lists the segments that tiles of rows see, tile by tile, so that a launch has a block for each and
// none too many. One block of PLAN_THREADS threads. plan: first item, first segment, segments.
#define PLAN_THREADS 256

KAPPA_KERNEL_OF(PLAN_THREADS, 1, planSegments)
(const int* __restrict__ positions, int vectors, int reach, int step, int group, int tiles,
 int window, int2* items, int4* plan) {
  __shared__ int ends[PLAN_THREADS];
  Cut cut = {vectors, reach, step};
  int own = (int)threadIdx.x;
  int done = 0;
  for (int base = 0; base < tiles; base += PLAN_THREADS) {
    int tile = base + own;
    int first = 0, count = 0;
    if (tile < tiles) {
      int lowest = INT_MAX, highest = 0;
      for (int row = cut.begin(tile) / group; row * group < cut.end(tile); row++) {
        highest = max(highest, positions[row]);
        lowest = min(lowest, max(0, positions[row] - window + 1));
      }
      first = segmentOf(lowest);
      count = segmentOf(highest) - first + 1;
    }
    ends[own] = count;
    __syncthreads();
    for (int offset = 1; offset < PLAN_THREADS; offset *= 2) {
      int before = own >= offset ? ends[own - offset] : 0;
      __syncthreads();
      ends[own] += before;
      __syncthreads();
    }
    int start = done + ends[own] - count;
    if (tile < tiles) plan[tile] = {start, first, count, 0};
    for (int i = 0; i < count; i++) items[start + i] = {tile, first + i};
    done += ends[PLAN_THREADS - 1];
    __syncthreads();
  }
}
EXPORT_KERNEL(planSegments)
