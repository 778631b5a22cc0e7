// Attention over keys and values of 32 bits, which tensor cores do not take: for checking, not for
// speed. A block of 128 threads has up to 16 query vectors. Keys are read by one thread per token,
// values by one thread per element.
#include "attention.cuh"

#define PLAIN_VECTORS 16
#define PLAIN_THREADS 128
#define PLAIN_TILE 64
// Elements of a head that a thread sums up.
#define PLAIN_PER_THREAD 2

struct PlainShared {
  float scores[PLAIN_VECTORS][PLAIN_TILE];
  float weights[PLAIN_TILE][PLAIN_VECTORS];
  // Of the tile being summed up and the one being scored; -1 where no row sees the token.
  long long offsets[2][PLAIN_TILE];
  Scale segment[PLAIN_VECTORS];
  Scale total[PLAIN_VECTORS];
  MergeFactors factors[PLAIN_VECTORS];
  float shrink[PLAIN_VECTORS];
  int lowest[PLAIN_VECTORS], highest[PLAIN_VECTORS];
};

typedef float PlainSums[PLAIN_PER_THREAD][PLAIN_VECTORS];

class PlainBlock {
 public:
  __device__ __forceinline__ PlainBlock(const Attention& a, const Task& task, const Unit& unit,
                                        float* queries, PlainShared& shared)
      : a(a), task(task), unit(unit), queries(queries), shared(shared) {}

  __device__ __forceinline__ void run(int begin, int end) {
    Closing closing = a.closing();
    PlainSums sums = {}, totals = {};
    loadQueries();
    __syncthreads();
    if (task.goesOn) loadState(closing, sums, totals);
    __syncthreads();
    if (begin < end) attend(begin, end, closing, sums, totals);
    __syncthreads();
    switch (closing) {
      case NEVER: storePartial(sums); break;
      case ENDED: storeState(sums, totals); break;
      case ALL: storeResult(totals); break;
    }
    __syncthreads();
  }

 private:
  const Attention& a;
  const Task& task;
  const Unit& unit;
  float* queries;
  PlainShared& shared;

  __device__ __forceinline__ void loadQueries() {
    size_t columns = (size_t)(a.heads + 2 * a.kvHeads) * a.headDim;
#pragma unroll 1
    for (int v = 0; v < unit.vectors; v++) {
      const bf16* from =
          a.qkv + unit.row(a, v) * columns + unit.query(a, v) % a.heads * a.headDim;
      for (int d = (int)threadIdx.x; d < a.headDim; d += PLAIN_THREADS) {
        queries[v * a.headDim + d] = toFloat(from[d]);
      }
    }
    int v = (int)threadIdx.x;
    if (v < PLAIN_VECTORS) {
      shared.segment[v] = {-INFINITY, 0.0f};
      shared.total[v] = {-INFINITY, 0.0f};
      shared.highest[v] = v < unit.vectors ? a.positions[unit.row(a, v)] : -1;
      shared.lowest[v] = a.firstSeen(shared.highest[v]);
    }
  }

  __device__ __forceinline__ void attend(int begin, int end, Closing closing, PlainSums& sums,
                                         PlainSums& totals) {
#pragma unroll 1
    for (int at = begin / PLAIN_TILE * PLAIN_TILE; at < end; at += PLAIN_TILE) {
      int turn = at / PLAIN_TILE % 2;
      int next = at + PLAIN_TILE;
      scoreTile(at, begin, end, turn);
      __syncthreads();
      weighTile();
      __syncthreads();
      addTile(turn, sums);
      bool ends = closing == ALL && next >= end;
      if (closing != NEVER && (ends || beginsSegment(next))) endSegment(sums, totals);
    }
  }

  // Scores of a tile's tokens: thread i has token i % 64 and every second half of the vectors.
  __device__ __forceinline__ void scoreTile(int at, int begin, int end, int turn) {
    constexpr int HALF = PLAIN_VECTORS / 2;
    int slot = (int)threadIdx.x % PLAIN_TILE;
    int firstVector = (int)threadIdx.x / PLAIN_TILE * HALF;
    int token = at + slot;
    int count = min(HALF, unit.vectors - firstVector);
    if (token < begin || token >= end) {
      for (int v = 0; v < count; v++) shared.scores[firstVector + v][slot] = -INFINITY;
      if (firstVector == 0) shared.offsets[turn][slot] = -1;
      return;
    }
    long long offset = a.offsetOf(unit.sequence, unit.kvHead, token, (int)sizeof(float));
    if (firstVector == 0) shared.offsets[turn][slot] = offset;
    const float* key = (const float*)(a.pool + a.keyOffset + offset);
    const float* query = queries + firstVector * a.headDim;
    float sums[HALF] = {};
    if (count <= 0) return;
#pragma unroll 1
    for (int d = 0; d < a.headDim; d += 4) {
      float4 k = *(const float4*)(key + d);
#pragma unroll
      for (int v = 0; v < HALF; v++) {
        if (v < count) {
          const float* q = query + v * a.headDim + d;
          sums[v] = fmaf(q[3], k.w, fmaf(q[2], k.z, fmaf(q[1], k.y, fmaf(q[0], k.x, sums[v]))));
        }
      }
    }
    Scoring scoring(a.scale, a.softcap);
#pragma unroll
    for (int v = 0; v < HALF; v++) {
      if (v < count) {
        int own = firstVector + v;
        float score = __fmul_rn(sums[v], scoring.factor);
        if (scoring.bound > 0) score = scoring.bounded(score);
        bool seen = token >= shared.lowest[own] && token <= shared.highest[own];
        shared.scores[own][slot] = seen ? score : -INFINITY;
      }
    }
  }

  // Turns scores into weights and takes their sum into the segment: eight threads per vector.
  __device__ __forceinline__ void weighTile() {
    constexpr int LANES = PLAIN_THREADS / PLAIN_VECTORS;
    int v = (int)threadIdx.x / LANES;
    int lane = (int)threadIdx.x % LANES;
    bool used = v < unit.vectors;
    float scores[PLAIN_TILE / LANES];
    float maximum = -INFINITY;
    for (int i = 0; i < PLAIN_TILE / LANES; i++) {
      scores[i] = used ? shared.scores[v][lane + LANES * i] : -INFINITY;
      maximum = fmaxf(maximum, scores[i]);
    }
    for (int offset = LANES / 2; offset > 0; offset /= 2) {
      maximum = fmaxf(maximum, __shfl_xor_sync(~0u, maximum, offset));
    }
    Scale before = shared.segment[v];
    maximum = fmaxf(maximum, before.maximum);
    float sum = 0;
    for (int i = 0; i < PLAIN_TILE / LANES; i++) {
      float weight = weightOf(scores[i], maximum);
      shared.weights[lane + LANES * i][v] = weight;
      sum += weight;
    }
    for (int offset = LANES / 2; offset > 0; offset /= 2) {
      sum += __shfl_xor_sync(~0u, sum, offset);
    }
    // All have read what is now replaced.
    __syncwarp();
    if (lane == 0) {
      float shrink = weightOf(before.maximum, maximum);
      shared.shrink[v] = shrink;
      shared.segment[v] = {maximum, fmaf(before.sum, shrink, sum)};
    }
  }

  // Adds a tile's weighted values to the accumulators.
  __device__ __forceinline__ void addTile(int turn, PlainSums& sums) {
#pragma unroll
    for (int n = 0; n < PLAIN_PER_THREAD; n++) {
      int d = (int)threadIdx.x + PLAIN_THREADS * n;
      if (d >= a.headDim) break;
#pragma unroll
      for (int v = 0; v < PLAIN_VECTORS; v++) sums[n][v] = __fmul_rn(sums[n][v], shared.shrink[v]);
#pragma unroll 4
      for (int t = 0; t < PLAIN_TILE; t++) {
        long long offset = shared.offsets[turn][t];
        // What no row sees may be anything, and must not be multiplied, not even by zero.
        float value = offset < 0 ? 0 : ((const float*)(a.pool + a.valueOffset + offset))[d];
#pragma unroll
        for (int v = 0; v < PLAIN_VECTORS; v++) sums[n][v] = fmaf(shared.weights[t][v], value, sums[n][v]);
      }
    }
  }

  // Takes the segment into the total and begins the next.
  __device__ __forceinline__ void endSegment(PlainSums& sums, PlainSums& totals) {
    __syncthreads();
    int own = (int)threadIdx.x;
    if (own < PLAIN_VECTORS) {
      shared.factors[own] = merge(shared.total[own], shared.segment[own]);
      shared.segment[own] = {-INFINITY, 0.0f};
    }
    __syncthreads();
#pragma unroll
    for (int n = 0; n < PLAIN_PER_THREAD; n++) {
#pragma unroll
      for (int v = 0; v < PLAIN_VECTORS; v++) {
        totals[n][v] = merged(totals[n][v], sums[n][v], shared.factors[v]);
        sums[n][v] = 0;
      }
    }
  }

  // Calls each(vector, n, d) for the elements that the thread sums up.
  template <class Each>
  __device__ __forceinline__ void forElements(Each each) const {
#pragma unroll
    for (int v = 0; v < PLAIN_VECTORS; v++) {
      if (v >= unit.vectors) continue;
#pragma unroll
      for (int n = 0; n < PLAIN_PER_THREAD; n++) {
        int d = (int)threadIdx.x + PLAIN_THREADS * n;
        if (d < a.headDim) each(v, n, d);
      }
    }
  }

  __device__ __forceinline__ void loadState(Closing closing, PlainSums& sums, PlainSums& totals) {
    int own = (int)threadIdx.x;
    if (own < unit.vectors) {
      const float* state = stateOf(a, unit, own);
      shared.segment[own] = {state[0], state[1]};
      if (closing == ENDED) shared.total[own] = {state[2], state[3]};
    }
    forElements([&](int v, int n, int d) {
      const float* at = stateOf(a, unit, v) + STATE_HEADER + d;
      sums[n][v] = at[0];
      if (closing == ENDED) totals[n][v] = at[a.headDim];
    });
  }

  __device__ __forceinline__ void storeState(const PlainSums& sums, const PlainSums& totals) const {
    int own = (int)threadIdx.x;
    if (own < unit.vectors) {
      float* state = stateOf(a, unit, own);
      state[0] = shared.segment[own].maximum;
      state[1] = shared.segment[own].sum;
      state[2] = shared.total[own].maximum;
      state[3] = shared.total[own].sum;
    }
    forElements([&](int v, int n, int d) {
      float* at = stateOf(a, unit, v) + STATE_HEADER + d;
      at[0] = sums[n][v];
      at[a.headDim] = totals[n][v];
    });
  }

  __device__ __forceinline__ void storePartial(const PlainSums& sums) const {
    int own = (int)threadIdx.x;
    if (own < unit.vectors) {
      float* to = partialOf(a, unit, task.tile, own);
      to[0] = shared.segment[own].maximum;
      to[1] = shared.segment[own].sum;
    }
    forElements([&](int v, int n, int d) {
      partialOf(a, unit, task.tile, v)[PARTIAL_HEADER + d] = sums[n][v];
    });
  }

  __device__ __forceinline__ void storeResult(const PlainSums& totals) const {
    forElements([&](int v, int n, int d) {
      put(a.out + unit.query(a, v) * a.headDim + d, totals[n][v] / shared.total[v].sum);
    });
  }
};

__device__ __forceinline__ void runPlain(const Attention& a) {
  __shared__ PlainShared shared;
  DYNAMIC_SHARED(float, queries);
  Task task(a);
  forUnits(a, task, [&](const Unit& unit, int begin, int end) {
    PlainBlock(a, task, unit, queries, shared).run(begin, end);
  });
}

ATTENTION(attentionF32, PLAIN_THREADS, 2, runPlain)
