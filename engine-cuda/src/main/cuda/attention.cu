// Causal attention over paged KV, in 32-bit floats, for prefill chunks, decodes and spans alike.
//
// A block of 128 threads has up to 16 query vectors: a few rows, times the query heads of one KV
// head. Keys are read by one thread per token, values by one thread per element.
#include "kappa.cuh"
#include "ptx.cuh"
#include "softmax.cuh"
#include "values.cuh"

#define VECTORS 16
#define THREADS 128
// Elements of a head that a thread sums up.
#define PER_THREAD 2
// Floats of a query's state besides its two accumulators: see loadState.
#define STATE_HEADER 4
// Floats of a segment's result besides its accumulator.
#define PARTIAL_HEADER 2

// What all blocks of a launch have in common.
template <class Kv>
struct Attention {
  const bf16* qkv;
  const int* positions;
  const int* sequences;
  const int* tables;
  int maxBlocks;
  int firstRow, rows, rowsAtOnce;
  // Tokens of this launch, and whether their blocks lie in order from the pool's start.
  int first, end, staged;
  const unsigned char* pool;
  long long blockStride, keyOffset, valueOffset;
  int blockTokens;
  int heads, kvHeads, headDim;
  float scale;

  __device__ __forceinline__ int headsAtOnce() const { return min(heads / kvHeads, VECTORS); }
  __device__ __forceinline__ int headTiles() const {
    return (heads / kvHeads + VECTORS - 1) / VECTORS;
  }

  // Bytes from the pool's start to a token's keys (before keyOffset) of a KV head.
  __device__ __forceinline__ long long offsetOf(int sequence, int kvHead, int token) const {
    int place = token / blockTokens;
    int block = staged ? place - first / blockTokens
                       : tables[(size_t)sequence * maxBlocks + place];
    long long row = (long long)kvHead * blockTokens + token % blockTokens;
    return block * blockStride + row * headDim * (long long)sizeof(Kv);
  }
};

struct Shared {
  float scores[VECTORS][TILE];
  float weights[TILE][VECTORS];
  // Of the tile being summed up and the one being scored.
  long long offsets[2][TILE];
  Scale segment[VECTORS];
  Scale total[VECTORS];
  MergeFactors factors[VECTORS];
  float shrink[VECTORS];
  int limit[VECTORS];
};

// The queries that a block works on: rows of one sequence with heads of one KV head.
struct Unit {
  int sequence, kvHead;
  int row, rows;
  int head, heads;
  int last;  // largest position

  __device__ __forceinline__ int vectors() const { return rows * heads; }
  __device__ __forceinline__ int rowOf(int vector) const { return row + vector / heads; }
  __device__ __forceinline__ int headOf(int vector) const { return head + vector % heads; }
};

template <class Kv>
__device__ __forceinline__ void loadQueries(const Attention<Kv>& a, const Unit& unit, Shared& shared,
                                            float* queries) {
  int columns = (a.heads + 2 * a.kvHeads) * a.headDim;
  float scale = a.scale * 1.44269504f;
#pragma unroll 1
  for (int v = 0; v < unit.vectors(); v++) {
    const bf16* from = a.qkv + (size_t)unit.rowOf(v) * columns + (size_t)unit.headOf(v) * a.headDim;
    for (int d = (int)threadIdx.x; d < a.headDim; d += THREADS) {
      queries[v * a.headDim + d] = toFloat(from[d]) * scale;
    }
  }
  int v = (int)threadIdx.x;
  if (v < VECTORS) {
    shared.segment[v] = {-INFINITY, 0.0f};
    shared.total[v] = {-INFINITY, 0.0f};
    shared.limit[v] = v < unit.vectors() ? a.positions[unit.rowOf(v)] + 1 : 0;
  }
}

// Eight elements of a key as floats.
template <class Kv>
__device__ __forceinline__ void loadEight(const Kv* from, float (&to)[8]) {
  constexpr int PIECES = (int)sizeof(Kv) / 2;
  union {
    uint4 pieces[PIECES];
    unsigned char bytes[16 * PIECES];
  } raw;
  for (int i = 0; i < PIECES; i++) raw.pieces[i] = ((const uint4*)from)[i];
  const Kv* values = (const Kv*)raw.bytes;
  for (int i = 0; i < 8; i++) to[i] = toFloat(values[i]);
}

// Scores of a tile's tokens: thread i has token i % 64 and every second half of the vectors.
template <class Kv>
__device__ __forceinline__ void scoreTile(const Attention<Kv>& a, const Unit& unit, Shared& shared,
                                          const float* queries, int tile, int end, int turn) {
  constexpr int HALF = VECTORS / 2;
  int slot = (int)threadIdx.x % TILE;
  int firstVector = (int)threadIdx.x / TILE * HALF;
  int token = tile + slot;
  int count = min(HALF, unit.vectors() - firstVector);
  if (token >= end) {
    for (int v = 0; v < count; v++) shared.scores[firstVector + v][slot] = -INFINITY;
    return;
  }
  long long offset = a.offsetOf(unit.sequence, unit.kvHead, token);
  if (firstVector == 0) shared.offsets[turn][slot] = offset;
  const Kv* key = (const Kv*)(a.pool + a.keyOffset + offset);
  const float* query = queries + firstVector * a.headDim;
  float sums[HALF] = {};
  if (count <= 0) return;
#pragma unroll 1
  for (int d = 0; d < a.headDim; d += 8) {
    float k[8];
    loadEight(key + d, k);
#pragma unroll
    for (int v = 0; v < HALF; v++) {
      if (v < count) {
        const float* q = query + v * a.headDim + d;
        for (int i = 0; i < 8; i++) sums[v] = fmaf(q[i], k[i], sums[v]);
      }
    }
  }
#pragma unroll
  for (int v = 0; v < HALF; v++) {
    if (v < count) {
      bool seen = token < shared.limit[firstVector + v];
      shared.scores[firstVector + v][slot] = seen ? sums[v] : -INFINITY;
    }
  }
}

// Turns scores into weights and takes their sum into the segment: eight threads per vector.
__device__ __forceinline__ void weighTile(const Unit& unit, Shared& shared) {
  constexpr int LANES = THREADS / VECTORS;
  int v = (int)threadIdx.x / LANES;
  int lane = (int)threadIdx.x % LANES;
  bool used = v < unit.vectors();
  float scores[TILE / LANES];
  float maximum = -INFINITY;
  for (int i = 0; i < TILE / LANES; i++) {
    scores[i] = used ? shared.scores[v][lane + LANES * i] : -INFINITY;
    maximum = fmaxf(maximum, scores[i]);
  }
  for (int offset = LANES / 2; offset > 0; offset /= 2) {
    maximum = fmaxf(maximum, __shfl_xor_sync(~0u, maximum, offset));
  }
  Scale before = shared.segment[v];
  maximum = fmaxf(maximum, before.maximum);
  float sum = 0;
  for (int i = 0; i < TILE / LANES; i++) {
    float weight = weightOf(scores[i], maximum);
    shared.weights[lane + LANES * i][v] = weight;
    sum += weight;
  }
  for (int offset = LANES / 2; offset > 0; offset /= 2) sum += __shfl_xor_sync(~0u, sum, offset);
  if (lane == 0) {
    float shrink = weightOf(before.maximum, maximum);
    shared.shrink[v] = shrink;
    shared.segment[v] = {maximum, fmaf(before.sum, shrink, sum)};
  }
}

// Adds a tile's weighted values to the accumulators.
template <class Kv>
__device__ __forceinline__ void addTile(const Attention<Kv>& a, const Unit& unit,
                                        const Shared& shared, int count, int turn,
                                        float (&sums)[PER_THREAD][VECTORS]) {
#pragma unroll
  for (int n = 0; n < PER_THREAD; n++) {
    int d = (int)threadIdx.x + THREADS * n;
    if (d >= a.headDim) break;
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
      if (v < unit.vectors()) sums[n][v] = __fmul_rn(sums[n][v], shared.shrink[v]);
    }
#pragma unroll 2
    for (int t = 0; t < count; t++) {
      float value = toFloat(((const Kv*)(a.pool + a.valueOffset + shared.offsets[turn][t]))[d]);
#pragma unroll
      for (int v = 0; v < VECTORS; v++) {
        if (v < unit.vectors()) sums[n][v] = fmaf(shared.weights[t][v], value, sums[n][v]);
      }
    }
  }
}

// Takes the segment into the total and begins the next.
__device__ __forceinline__ void endSegment(const Unit& unit, Shared& shared, int headDim,
                                           float (&sums)[PER_THREAD][VECTORS],
                                           float (&totals)[PER_THREAD][VECTORS]) {
  __syncthreads();
  int own = (int)threadIdx.x;
  if (own < unit.vectors()) {
    Scale segment = shared.segment[own];
    // A segment in which a query sees nothing leaves its total as it is, to the bit.
    shared.factors[own] = {1.0f, 0.0f};
    if (segment.sum > 0) {
      Scale total = shared.total[own];
      shared.factors[own] = merge(total, segment);
      shared.total[own] = total;
    }
    shared.segment[own] = {-INFINITY, 0.0f};
  }
  __syncthreads();
#pragma unroll
  for (int n = 0; n < PER_THREAD; n++) {
    if ((int)threadIdx.x + THREADS * n >= headDim) break;
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
      if (v < unit.vectors()) {
        totals[n][v] = merged(totals[n][v], sums[n][v], shared.factors[v]);
        sums[n][v] = 0;
      }
    }
  }
}

// What becomes of segments: a decode's single one stays open for mergeSegments, a span closes those
// that end in it, a whole context closes all.
enum Closing { NEVER, ENDED, ALL };

// Attends to tokens begin ... end - 1.
template <class Kv>
__device__ __forceinline__ void attendTo(const Attention<Kv>& a, const Unit& unit, Shared& shared,
                                         const float* queries, int begin, int end, Closing closing,
                                         float (&sums)[PER_THREAD][VECTORS],
                                         float (&totals)[PER_THREAD][VECTORS]) {
#pragma unroll 1
  for (int tile = begin; tile < end; tile += TILE) {
    int turn = tile / TILE % 2;
    int next = tile + TILE;
    scoreTile(a, unit, shared, queries, tile, end, turn);
    __syncthreads();
    weighTile(unit, shared);
    __syncthreads();
    addTile(a, unit, shared, min(TILE, end - tile), turn, sums);
    if ((closing != NEVER && next % SEGMENT == 0) || (closing == ALL && next >= end)) {
      endSegment(unit, shared, a.headDim, sums, totals);
    }
  }
}

// A query's state between spans: maximum and sum of the open segment, of the total, then their
// accumulators.
template <class Kv>
__device__ __forceinline__ float* stateOf(const Attention<Kv>& a, const Unit& unit, float* states,
                                          int vector) {
  size_t query = (size_t)unit.rowOf(vector) * a.heads + unit.headOf(vector);
  return states + query * (STATE_HEADER + 2 * a.headDim);
}

template <class Kv>
__device__ __forceinline__ void loadState(const Attention<Kv>& a, const Unit& unit, Shared& shared,
                                          float* states, float (&sums)[PER_THREAD][VECTORS],
                                          float (&totals)[PER_THREAD][VECTORS]) {
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    if (v < unit.vectors()) {
      const float* state = stateOf(a, unit, states, v);
      if (threadIdx.x == 0) {
        shared.segment[v] = {state[0], state[1]};
        shared.total[v] = {state[2], state[3]};
      }
#pragma unroll
      for (int n = 0; n < PER_THREAD; n++) {
        int d = (int)threadIdx.x + THREADS * n;
        if (d < a.headDim) {
          sums[n][v] = state[STATE_HEADER + d];
          totals[n][v] = state[STATE_HEADER + a.headDim + d];
        }
      }
    }
  }
}

template <class Kv>
__device__ __forceinline__ void storeState(const Attention<Kv>& a, const Unit& unit,
                                           const Shared& shared, float* states,
                                           const float (&sums)[PER_THREAD][VECTORS],
                                           const float (&totals)[PER_THREAD][VECTORS]) {
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    if (v < unit.vectors()) {
      float* state = stateOf(a, unit, states, v);
      if (threadIdx.x == 0) {
        state[0] = shared.segment[v].maximum;
        state[1] = shared.segment[v].sum;
        state[2] = shared.total[v].maximum;
        state[3] = shared.total[v].sum;
      }
#pragma unroll
      for (int n = 0; n < PER_THREAD; n++) {
        int d = (int)threadIdx.x + THREADS * n;
        if (d < a.headDim) {
          state[STATE_HEADER + d] = sums[n][v];
          state[STATE_HEADER + a.headDim + d] = totals[n][v];
        }
      }
    }
  }
}

// A decode's segment for mergeSegments: partials [row][head][segment][2 + headDim].
template <class Kv>
__device__ __forceinline__ void storePartial(const Attention<Kv>& a, const Unit& unit,
                                             const Shared& shared, float* partials,
                                             const float (&sums)[PER_THREAD][VECTORS]) {
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    if (v < unit.vectors()) {
      size_t query = (size_t)(unit.rowOf(v) - a.firstRow) * a.heads + unit.headOf(v);
      float* to = partials + (query * gridDim.z + blockIdx.z) * (PARTIAL_HEADER + a.headDim);
      if (threadIdx.x == 0) {
        to[0] = shared.segment[v].maximum;
        to[1] = shared.segment[v].sum;
      }
#pragma unroll
      for (int n = 0; n < PER_THREAD; n++) {
        int d = (int)threadIdx.x + THREADS * n;
        if (d < a.headDim) to[PARTIAL_HEADER + d] = sums[n][v];
      }
    }
  }
}

template <class Kv>
__device__ __forceinline__ void storeResult(const Attention<Kv>& a, const Unit& unit,
                                            const Shared& shared, bf16* out,
                                            const float (&totals)[PER_THREAD][VECTORS]) {
#pragma unroll
  for (int v = 0; v < VECTORS; v++) {
    if (v < unit.vectors()) {
      size_t query = (size_t)unit.rowOf(v) * a.heads + unit.headOf(v);
#pragma unroll
      for (int n = 0; n < PER_THREAD; n++) {
        int d = (int)threadIdx.x + THREADS * n;
        if (d < a.headDim) put(out + query * a.headDim + d, totals[n][v] / shared.total[v].sum);
      }
    }
  }
}

template <class Kv>
__device__ __forceinline__ void runUnit(const Attention<Kv>& a, const Unit& unit, Shared& shared,
                                        float* queries, float* partials, float* states, bf16* out) {
  float sums[PER_THREAD][VECTORS] = {};
  float totals[PER_THREAD][VECTORS] = {};
  int begin = a.first;
  int end = min(a.end, unit.last + 1);
  Closing closing = partials != nullptr ? NEVER : states != nullptr ? ENDED : ALL;
  if (closing == NEVER) {
    begin = (int)blockIdx.z * SEGMENT;
    end = min(begin + SEGMENT, end);
  }
  loadQueries(a, unit, shared, queries);
  __syncthreads();
  if (closing == ENDED && a.first > 0) loadState(a, unit, shared, states, sums, totals);
  __syncthreads();
  attendTo(a, unit, shared, queries, begin, end, closing, sums, totals);
  __syncthreads();
  switch (closing) {
    case NEVER: storePartial(a, unit, shared, partials, sums); break;
    case ENDED: storeState(a, unit, shared, states, sums, totals); break;
    case ALL: storeResult(a, unit, shared, out, totals); break;
  }
}

template <class Kv>
__device__ __forceinline__ void runBlock(const Attention<Kv>& a, float* queries, float* partials,
                                         float* states, bf16* out) {
  __shared__ Shared shared;
  Unit unit;
  unit.kvHead = (int)blockIdx.y / a.headTiles();
  int headInGroup = (int)blockIdx.y % a.headTiles() * VECTORS;
  int group = a.heads / a.kvHeads;
  unit.head = unit.kvHead * group + headInGroup;
  unit.heads = min(a.headsAtOnce(), group - headInGroup);
  int row = a.firstRow + (int)blockIdx.x * a.rowsAtOnce;
  int endRow = min(row + a.rowsAtOnce, a.firstRow + a.rows);
  while (row < endRow) {
    unit.sequence = a.sequences[row];
    unit.row = row;
    unit.last = 0;
    for (; row < endRow && a.sequences[row] == unit.sequence; row++) {
      unit.last = max(unit.last, a.positions[row]);
    }
    unit.rows = row - unit.row;
    runUnit(a, unit, shared, queries, partials, states, out);
    __syncthreads();
  }
}

// Grid: row tiles, KV heads times head tiles, segments where partials are given. Exactly one of
// partials, states and out is used, in this order of precedence.
#define ATTENTION(name, Kv)                                                                        \
  KAPPA_KERNEL(name)(const bf16* qkv, const int* positions, const int* sequences,                  \
                     const int* tables, int maxBlocks, int firstRow, int rows, int rowsAtOnce,     \
                     int first, int end, int staged, const unsigned char* pool,                    \
                     long long blockStride, long long keyOffset, long long valueOffset,            \
                     int blockTokens, int heads, int kvHeads, int headDim, float scale,            \
                     float* partials, float* states, bf16* out) {                                  \
    DYNAMIC_SHARED(float, queries);                                                                \
    Attention<Kv> a = {qkv,         positions, sequences,   tables,      maxBlocks, firstRow,      \
                       rows,        rowsAtOnce, first,      end,         staged,    pool,          \
                       blockStride, keyOffset, valueOffset, blockTokens, heads,     kvHeads,       \
                       headDim,     scale};                                                        \
    runBlock(a, queries, partials, states, out);                                                   \
  }                                                                                                \
  EXPORT_KERNEL(name)

ATTENTION(attentionBf16, bf16)
ATTENTION(attentionF16, __half)
ATTENTION(attentionF32, float)

// Merges the segments that blocks of a split launch left, in order. Grid: rows, heads.
KAPPA_KERNEL(mergeSegments)(const float* partials, const int* positions, int firstRow, int segments,
                            int heads, int headDim, bf16* out) {
  int row = (int)blockIdx.x;
  int head = (int)blockIdx.y;
  size_t query = (size_t)row * heads + head;
  int count = positions[firstRow + row] / SEGMENT + 1;
  const float* from = partials + query * segments * (PARTIAL_HEADER + headDim);
  bf16* to = out + ((size_t)(firstRow + row) * heads + head) * headDim;
  for (int d = (int)threadIdx.x; d < headDim; d += (int)blockDim.x) {
    Scale total = {-INFINITY, 0.0f};
    float sum = 0;
    for (int s = 0; s < count; s++) {
      const float* segment = from + (size_t)s * (PARTIAL_HEADER + headDim);
      Scale scale = {segment[0], segment[1]};
      if (scale.sum > 0) {
        MergeFactors factors = merge(total, scale);
        sum = merged(sum, segment[PARTIAL_HEADER + d], factors);
      }
    }
    put(to + d, sum / total.sum);
  }
}
EXPORT_KERNEL(mergeSegments)

// The attention of all spans so far: merges the open segment, leaving the state as it is. Grid:
// rows, heads.
KAPPA_KERNEL(attentionResult)(const float* states, int heads, int headDim, bf16* out) {
  size_t query = (size_t)blockIdx.x * heads + blockIdx.y;
  const float* state = states + query * (STATE_HEADER + 2 * headDim);
  for (int d = (int)threadIdx.x; d < headDim; d += (int)blockDim.x) {
    Scale segment = {state[0], state[1]};
    Scale total = {state[2], state[3]};
    float sum = state[STATE_HEADER + headDim + d];
    if (segment.sum > 0) {
      MergeFactors factors = merge(total, segment);
      sum = merged(sum, state[STATE_HEADER + d], factors);
    }
    put(out + query * headDim + d, sum / total.sum);
  }
}
EXPORT_KERNEL(attentionResult)

// Copies what every block of attention reads about the batch to device memory: host memory is a round
// trip over the link away. Grid: sequences.
KAPPA_KERNEL(stageBatch)(const int* positions, const int* sequences, const int* queryStarts,
                         const int* contextLengths, const int* tables, int maxBlocks,
                         int blockTokens, int* toPositions, int* toSequences, int* toTables) {
  int end = queryStarts[blockIdx.x + 1];
  for (int i = queryStarts[blockIdx.x] + (int)threadIdx.x; i < end; i += (int)blockDim.x) {
    toPositions[i] = positions[i];
    toSequences[i] = sequences[i];
  }
  size_t row = (size_t)blockIdx.x * maxBlocks;
  int count = (contextLengths[blockIdx.x] + blockTokens - 1) / blockTokens;
  for (int i = (int)threadIdx.x; i < count; i += (int)blockDim.x) toTables[row + i] = tables[row + i];
}
EXPORT_KERNEL(stageBatch)
