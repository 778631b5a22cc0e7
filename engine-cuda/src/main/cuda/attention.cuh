// What the attention kernels have in common: their arguments, which queries and tokens a block works
// on, and where its results go.
//
// The query vectors of a KV head are numbered row by row: vector v belongs to row v / group and to
// the head v % group of the KV head's group. Blocks take tiles of consecutive vectors.
#pragma once

#include "kappa.cuh"
#include "softmax.cuh"
#include "values.cuh"

// Floats of a query's state between spans besides its two accumulators: maximum and sum of the open
// segment, then of those before it. The accumulators follow in the same order.
#define STATE_HEADER 4
// Floats of a segment's result besides its accumulator: maximum and sum.
#define PARTIAL_HEADER 2

// How vectors are cut into tiles: of `step` vectors, anew after every `reach` vectors.
struct Cut {
  int total, reach, step;

  __device__ __forceinline__ int tilesOfReach() const { return (reach + step - 1) / step; }
  __device__ __forceinline__ int begin(int tile) const {
    return tile / tilesOfReach() * reach + tile % tilesOfReach() * step;
  }
  __device__ __forceinline__ int end(int tile) const {
    int reachEnd = (tile / tilesOfReach() + 1) * reach;
    return min(min(begin(tile) + step, reachEnd), total);
  }
  __device__ __forceinline__ int tileOf(int vector) const {
    return vector / reach * tilesOfReach() + vector % reach / step;
  }
};

// What a kernel is to do with the segments that it goes through.
enum Closing {
  NEVER,  // there is one, whose result is left for others to merge
  ENDED,  // merge those that end, and keep the open one with the state
  ALL     // merge all: the context ends here
};

struct Attention {
  const bf16* qkv;
  const int* positions;
  const int* sequences;
  const int* tables;
  int maxBlocks;
  int firstRow;
  Cut cut;
  const int2* items;  // of this launch: tile, segment; null without a plan
  int tiles, firstSegment;
  // Tokens of this launch, and whether their blocks lie in order from the pool's start.
  int first, end, staged;
  const unsigned char* pool;
  long long blockStride, keyOffset, valueOffset;
  int blockTokens;
  int heads, kvHeads, headDim;
  float scale, softcap;
  int window;
  // partials come before states, and states before out; states with partials are only read.
  float* partials;
  float* states;
  bf16* out;

  __device__ __forceinline__ int group() const { return heads / kvHeads; }
  __device__ __forceinline__ Closing closing() const {
    return partials != nullptr ? NEVER : states != nullptr ? ENDED : ALL;
  }
  __device__ __forceinline__ int firstSeen(int position) const {
    return max(0, position - window + 1);
  }

  // Bytes from the pool's start to a token's keys or values of a KV head, before their offset.
  __device__ __forceinline__ long long offsetOf(int sequence, int kvHead, int token,
                                                int elementBytes) const {
    int place = token / blockTokens;
    int block = staged ? place - first / blockTokens
                       : tables[(size_t)sequence * maxBlocks + place];
    long long row = (long long)kvHead * blockTokens + token % blockTokens;
    return block * blockStride + row * headDim * elementBytes;
  }
};

// The queries that a block works on at a time: a tile's vectors of one sequence.
struct Unit {
  int kvHead, sequence;
  int vector, vectors;
  int lowest, highest;  // of the positions that any of them sees

  __device__ __forceinline__ int row(const Attention& a, int index) const {
    return a.firstRow + (vector + index) / a.group();
  }
  __device__ __forceinline__ size_t query(const Attention& a, int index) const {
    int head = kvHead * a.group() + (vector + index) % a.group();
    return (size_t)row(a, index) * a.heads + head;
  }
};

// Finds the unit that begins at a vector and ends before another. Called by whole warps.
__device__ __forceinline__ Unit unitAt(const Attention& a, int vector, int end) {
  int group = a.group();
  int row = a.firstRow + vector / group;
  int endRow = a.firstRow + (end - 1) / group + 1;
  Unit unit;
  unit.sequence = a.sequences[row];
  int lowest = INT_MAX, highest = 0;
  for (;; row += 32) {
    int own = row + (int)threadIdx.x % 32;
    bool same = own < endRow && a.sequences[own] == unit.sequence;
    unsigned others = ~__ballot_sync(~0u, same);
    int count = others == 0 ? 32 : __ffs((int)others) - 1;
    if (own < row + count) {
      highest = max(highest, a.positions[own]);
      lowest = min(lowest, a.firstSeen(a.positions[own]));
    }
    if (count < 32) {
      row += count;
      break;
    }
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    highest = max(highest, __shfl_xor_sync(~0u, highest, offset));
    lowest = min(lowest, __shfl_xor_sync(~0u, lowest, offset));
  }
  unit.lowest = lowest;
  unit.highest = highest;
  unit.vector = vector;
  unit.vectors = min(end, (row - a.firstRow) * group) - vector;
  return unit;
}

// What a block does: a tile, and of its tokens those from begin to end - 1, after the tokens that
// states hold or from a fresh state.
struct Task {
  int tile, begin, end;
  bool goesOn;

  __device__ __forceinline__ explicit Task(const Attention& a) : begin(a.first), end(a.end) {
    int index = (int)blockIdx.x;
    if (a.closing() != NEVER) {
      // The longest first, so that the last to end are short.
      tile = a.tiles - 1 - index;
      goesOn = a.closing() == ENDED && a.first > 0;
      return;
    }
    int segment;
    if (a.items != nullptr) {
      tile = a.items[index].x;
      segment = a.items[index].y;
    } else {
      tile = index % a.tiles;
      segment = a.firstSegment + index / a.tiles;
    }
    goesOn = a.states != nullptr && segmentBegin(segment) < a.first;
    begin = max(begin, segmentBegin(segment));
    end = min(end, segmentBegin(segment + 1));
  }
};

// Where a vector's segment goes: [item][KV head][vector of the tile][PARTIAL_HEADER + headDim].
__device__ __forceinline__ float* partialOf(const Attention& a, const Unit& unit, int tile,
                                            int index) {
  size_t block = (size_t)blockIdx.x * a.kvHeads + unit.kvHead;
  size_t slot = block * a.cut.step + (size_t)(unit.vector + index - a.cut.begin(tile));
  return a.partials + slot * (PARTIAL_HEADER + a.headDim);
}

__device__ __forceinline__ float* stateOf(const Attention& a, const Unit& unit, int index) {
  return a.states + unit.query(a, index) * (STATE_HEADER + 2 * a.headDim);
}

// Calls run(unit, begin, end) for every unit of the block's tile that sees tokens of its task, or
// whose state begins.
template <class Run>
__device__ __forceinline__ void forUnits(const Attention& a, const Task& task, Run run) {
  int vector = a.cut.begin(task.tile);
  int end = a.cut.end(task.tile);
  while (vector < end) {
    Unit unit = unitAt(a, vector, end);
    unit.kvHead = (int)blockIdx.y;
    vector = unit.vector + unit.vectors;
    int from = max(task.begin, unit.lowest);
    int to = min(task.end, unit.highest + 1);
    if (from < to || (a.closing() == ENDED && a.first == 0)) run(unit, from, to);
  }
}

// Grid: tiles, or their segments where partials are given; KV heads.
#define ATTENTION(name, threads, blocks, run)                                                              \
  KAPPA_KERNEL_OF(threads, blocks, name)                                                                   \
  (const bf16* __restrict__ qkv, const int* __restrict__ positions,                                \
   const int* __restrict__ sequences, const int* __restrict__ tables, int maxBlocks, int firstRow, \
   int vectors, int reach, int step, const int2* __restrict__ items, int tiles, int firstSegment,  \
   int first, int end, int staged, const unsigned char* __restrict__ pool, long long blockStride,  \
   long long keyOffset, long long valueOffset, int blockTokens, int heads, int kvHeads,            \
   int headDim, float scale, float softcap, int window, float* partials, float* states,            \
   bf16* out) {                                                                                    \
    Attention a = {qkv,         positions, sequences,   tables,       maxBlocks,                   \
                   firstRow,    {vectors, reach, step}, items,        tiles,                       \
                   firstSegment, first,    end,         staged,       pool,                        \
                   blockStride, keyOffset, valueOffset, blockTokens,  heads,                       \
                   kvHeads,     headDim,   scale,       softcap,      window,                      \
                   partials,    states,    out};                                                   \
    run(a);                                                                                        \
  }                                                                                                \
  EXPORT_KERNEL(name)
