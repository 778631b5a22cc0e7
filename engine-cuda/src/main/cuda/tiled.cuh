// Attention on tensor cores, for keys and values of 16 bits. A block has up to 16 * ROWS query
// vectors; ROWS x SIDES warps work on them. A tile's keys and values are copied to shared memory
// while the one before is computed. The warps of a row of warps share 16 vectors: each scores a part
// of the tile's keys, and sums up a part of the elements. Every number goes through the same
// operations whatever ROWS and SIDES are.
#pragma once

#include "attention.cuh"
#include "ptx.cuh"
#include "tiled_layout.cuh"

template <class T>
class TiledBlock {
 public:
  __device__ __forceinline__ TiledBlock(const Attention& a, const Task& task, const Unit& unit,
                                        unsigned char* dynamic, TiledShared<T>& shared,
                                        TiledTotals<T>& totals)
      : a(a),
        task(task),
        unit(unit),
        dynamic(dynamic),
        shared(shared),
        totals(totals),
        scoring(a.scale, a.softcap),
        lane((int)threadIdx.x % 32),
        warp((int)threadIdx.x / 32),
        row(warp / T::SIDES),
        side(warp % T::SIDES) {}

  __device__ __forceinline__ void run(int begin, int end) {
    Closing closing = a.closing();
    loadQueries();
    start(closing);
    if (begin < end) attend(begin, end, closing);
    row = anew(row);
    if (closing == ALL) {
      storeResult();
    } else {
      storeOpen(closing);
    }
    // The next unit uses the same shared memory.
    __syncthreads();
  }

 private:
  const Attention& a;
  const Task& task;
  const Unit& unit;
  unsigned char* dynamic;
  TiledShared<T>& shared;
  TiledTotals<T>& totals;
  Scoring scoring;
  int lane, warp, row, side;
  TiledState<T> state;

  using Kv = typename T::Kv;

  // Where parts of the dynamic shared memory begin.
  static constexpr int QUERIES_AT = 4 * T::SIDE_BYTES;
  __device__ __forceinline__ static int keysAt(int turn) { return turn * T::SIDE_BYTES; }
  __device__ __forceinline__ static int valuesAt(int turn) { return (2 + turn) * T::SIDE_BYTES; }

  // The vector of this thread's first or second row, and whether the unit has it.
  __device__ __forceinline__ int index(int r) const { return row * 16 + lane / 4 + 8 * r; }
  __device__ __forceinline__ bool isUsed(int r) const { return index(r) < unit.vectors; }
  __device__ __forceinline__ int column(int n) const {
    return (side * T::COLUMNS + n) * 8 + lane % 4 * 2;
  }

  // Warps take a vector each, lanes a chunk each.
  __device__ __forceinline__ void loadQueries() {
    size_t columns = (size_t)(a.heads + 2 * a.kvHeads) * a.headDim;
    for (int v = warp; v < T::VECTORS; v += T::WARPS) {
      uint4 chunk = {0, 0, 0, 0};
      if (v < unit.vectors && lane * 8 < a.headDim) {
        size_t head = unit.query(a, v) % a.heads;
        const bf16* from = a.qkv + unit.row(a, v) * columns + head * a.headDim;
        chunk = ((const uint4*)from)[lane];
      }
      float factor = scoring.factor * toKv(chunk, Kv{});
      if (lane < T::CHUNKS) *(uint4*)(dynamic + QUERIES_AT + T::place(v, lane)) = chunk;
      if (lane == 0) {
        shared.factors[v] = factor;
        shared.positions[v] = v < unit.vectors ? a.positions[unit.row(a, v)] : -1;
      }
    }
  }

  // Converts eight elements of a query to the type of the keys; returns what they were divided by.
  __device__ __forceinline__ static float toKv(uint4&, bf16) { return 1; }

  // A power of two brings the query's largest element near the end of the type's range.
  __device__ __forceinline__ static float toKv(uint4& chunk, __half) {
    bf16 from[8];
    memcpy(from, &chunk, sizeof from);
    float elements[8];
    float largest = 0;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      elements[i] = toFloat(from[i]);
      largest = fmaxf(largest, fabsf(elements[i]));
    }
    for (int offset = 16; offset > 0; offset /= 2) {
      largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, offset));
    }
    int exponent = max((__float_as_int(largest) >> 23) - 127 - 14, -100);
    float inverse = __int_as_float((127 - exponent) << 23);
    chunk = {packed(__half{}, elements[0] * inverse, elements[1] * inverse),
             packed(__half{}, elements[2] * inverse, elements[3] * inverse),
             packed(__half{}, elements[4] * inverse, elements[5] * inverse),
             packed(__half{}, elements[6] * inverse, elements[7] * inverse)};
    return __int_as_float((127 + exponent) << 23);
  }

  __device__ __forceinline__ void start(Closing closing) {
#pragma unroll
    for (int n = 0; n < T::COLUMNS; n++) {
      for (int i = 0; i < 4; i++) state.sums[n][i] = 0;
    }
    if (closing != NEVER) {
#pragma unroll
      for (int n = 0; n < T::COLUMNS; n++) {
        for (int i = 0; i < 4; i++) totals.sums[n][i] = 0;
      }
      for (int r = 0; r < 2; r++) {
        totals.maximum[r] = -INFINITY;
        totals.weights[r] = 0;
      }
    }
    for (int i = 0; i < 4; i++) state.weights[i] = 0;
    for (int r = 0; r < 2; r++) state.maximum[r] = -INFINITY;
    if (task.goesOn) loadState(closing);
  }

  // The state of the tokens before the launch; of a single segment only what is open.
  __device__ __forceinline__ void loadState(Closing closing) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      if (!isUsed(r)) continue;
      const float* from = stateOf(a, unit, index(r));
      state.maximum[r] = from[0];
      state.weights[2 * r] = state.weights[2 * r + 1] = from[1];
      if (closing == ENDED) {
        totals.maximum[r] = from[2];
        totals.weights[r] = from[3];
      }
#pragma unroll
      for (int n = 0; n < T::COLUMNS; n++) {
        if (column(n) >= a.headDim) continue;
        const float* at = from + STATE_HEADER + column(n);
        float2 sum = *(const float2*)at;
        state.sums[n][2 * r] = sum.x;
        state.sums[n][2 * r + 1] = sum.y;
        if (closing == ENDED) {
          float2 total = *(const float2*)(at + a.headDim);
          totals.sums[n][2 * r] = total.x;
          totals.sums[n][2 * r + 1] = total.y;
        }
      }
    }
  }

  __device__ __forceinline__ void attend(int begin, int end, Closing closing) {
    int at = begin / T::KEYS * T::KEYS;
    int turn = 0;
    if ((int)threadIdx.x < 2 * T::KEYS) {
      int second = (int)threadIdx.x / T::KEYS;
      locate(second, (int)threadIdx.x % T::KEYS, at + second * T::KEYS, begin, end);
    }
    __syncthreads();
    copyTile(turn);
#pragma unroll 1
    for (;;) {
      int next = at + T::KEYS;
      awaitAsyncCopies<0>();
      // Behind it, this tile is there for all, and no one needs what lay in the other half.
      __syncthreads();
      if (next < end) {
        copyTile(turn ^ 1);
        if ((int)threadIdx.x < T::KEYS && next + T::KEYS < end) {
          locate(turn, (int)threadIdx.x, next + T::KEYS, begin, end);
        }
      }
      // Warps that share vectors meet at barriers; others need not come along.
      if (T::SIDES > 1 || row * 16 < unit.vectors) attendTile(at, turn);
      bool ends = closing == ALL && next >= end;
      if (closing != NEVER && (ends || beginsSegment(next))) endSegment();
      if (next >= end) break;
      at = next;
      turn ^= 1;
    }
  }

  __device__ __forceinline__ void locate(int turn, int slot, int at, int begin, int end) {
    int token = at + slot;
    bool present = token >= begin && token < end;
    shared.offsets[turn][slot] =
        present ? a.offsetOf(unit.sequence, unit.kvHead, token, (int)sizeof(Kv)) : -1;
  }

  // Starts the copies of a tile. Tokens that no row sees become zeros: their blocks may hold anything.
  __device__ __forceinline__ void copyTile(int turn) {
    // Nothing waits for these; more addresses at once would only take registers.
#pragma unroll 2
    for (int i = 0; i < T::KEYS * T::CHUNKS / T::THREADS; i++) {
      int number = (int)threadIdx.x + i * T::THREADS;
      int key = number / T::CHUNKS;
      int chunk = number % T::CHUNKS;
      long long offset = shared.offsets[turn][key];
      bool present = offset >= 0 && chunk * 8 < a.headDim;
      const unsigned char* from = a.pool + (present ? offset + chunk * 16 : 0);
      unsigned char* to = dynamic + keysAt(turn) + T::place(key, chunk);
      copyAsync16OrZero(to, from + a.keyOffset, present);
      copyAsync16OrZero(to + 2 * T::SIDE_BYTES, from + a.valueOffset, present);
    }
    commitAsyncCopies();
  }

  __device__ __forceinline__ static void multiply(float (&c)[4], const uint32_t (&left)[4],
                                                  uint32_t low, uint32_t high, bf16) {
    const uint32_t right[2] = {low, high};
    mmaBf16(c, left, right);
  }
  __device__ __forceinline__ static void multiply(float (&c)[4], const uint32_t (&left)[4],
                                                  uint32_t low, uint32_t high, __half) {
    const uint32_t right[2] = {low, high};
    mmaF16(c, left, right);
  }

  __device__ __forceinline__ void attendTile(int at, int turn) {
    float scores[T::SCORES][4];
    scoreTile(turn, scores);
    finishScores(at, scores);
    float maximum[2];
    tileMaximum(scores, maximum);
    float shift[2], shrink[2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float larger = fmaxf(state.maximum[r], maximum[r]);
      // Without any token so far, all scores are -infinity and must not meet it again.
      shift[r] = larger == -INFINITY ? 0 : larger;
      shrink[r] = exp2Approx(state.maximum[r] - shift[r]);
      state.maximum[r] = larger;
    }
    uint32_t weight[T::KEYS / 16][4];
    weigh(scores, shift, weight);
#pragma unroll
    for (int n = 0; n < T::COLUMNS; n++) {
      for (int i = 0; i < 4; i++) state.sums[n][i] = __fmul_rn(state.sums[n][i], shrink[i / 2]);
    }
    for (int i = 0; i < 4; i++) state.weights[i] = __fmul_rn(state.weights[i], shrink[i / 2]);
    addTile(turn, weight);
  }

  // Products of queries and the warp's keys.
  __device__ __forceinline__ void scoreTile(int turn, float (&scores)[T::SCORES][4]) {
    int query = QUERIES_AT + T::place(row * 16 + lane % 16, lane / 16);
    int key = keysAt(turn) + T::place(side * (T::KEYS / T::SIDES) + lane % 8, lane / 8);
#pragma unroll
    for (int n = 0; n < T::SCORES; n++) {
      for (int i = 0; i < 4; i++) scores[n][i] = 0;
    }
    // More at once would need more registers than there are.
#pragma unroll 1
    for (int k = 0; k < T::CHUNKS; k += 4) {
      uint32_t left[2][4];
      loadMatrix4(left[0], dynamic + T::beyond(query, k));
      loadMatrix4(left[1], dynamic + T::beyond(query, k + 2));
#pragma unroll
      for (int n = 0; n < T::SCORES; n++) {
        uint32_t right[4];
        loadMatrix4(right, dynamic + T::beyond(key, k) + 8 * n * T::PITCH);
        multiply(scores[n], left[0], right[0], right[1], Kv{});
        multiply(scores[n], left[1], right[2], right[3], Kv{});
      }
    }
  }

  // Scales and bounds scores, and hides the tokens that a row does not see.
  __device__ __forceinline__ void finishScores(int at, float (&scores)[T::SCORES][4]) {
    float factors[2] = {shared.factors[index(0)], shared.factors[index(1)]};
#pragma unroll
    for (int n = 0; n < T::SCORES; n++) {
      for (int i = 0; i < 4; i++) scores[n][i] = __fmul_rn(scores[n][i], factors[i / 2]);
    }
    if (scoring.bound > 0) {
#pragma unroll
      for (int n = 0; n < T::SCORES; n++) {
        for (int i = 0; i < 4; i++) scores[n][i] = scoring.bounded(scores[n][i]);
      }
    }
    int highest[2] = {shared.positions[index(0)], shared.positions[index(1)]};
    int lowest[2] = {a.firstSeen(highest[0]), a.firstSeen(highest[1])};
    bool hides = at < max(lowest[0], lowest[1]) || at + T::KEYS > min(highest[0], highest[1]) + 1;
    // For the warp as one, which goes on with instructions that all lanes take part in.
    if (!__any_sync(~0u, hides)) return;
    int token = at + side * (T::KEYS / T::SIDES) + lane % 4 * 2;
#pragma unroll
    for (int n = 0; n < T::SCORES; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        int own = token + 8 * n + i % 2;
        bool seen = own >= lowest[i / 2] && own <= highest[i / 2];
        scores[n][i] = seen ? scores[n][i] : -INFINITY;
      }
    }
  }

  // The largest score of each of the two rows, over all keys of the tile.
  __device__ __forceinline__ void tileMaximum(const float (&scores)[T::SCORES][4],
                                              float (&maximum)[2]) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float largest = fmaxf(scores[0][2 * r], scores[0][2 * r + 1]);
#pragma unroll
      for (int n = 1; n < T::SCORES; n++) {
        largest = fmaxf(largest, fmaxf(scores[n][2 * r], scores[n][2 * r + 1]));
      }
      largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, 1));
      maximum[r] = fmaxf(largest, __shfl_xor_sync(~0u, largest, 2));
    }
    if (T::SIDES == 1) return;
    if (lane % 4 == 0) {
      shared.maxima[side][index(0)] = maximum[0];
      shared.maxima[side][index(1)] = maximum[1];
    }
    __syncthreads();
#pragma unroll
    for (int r = 0; r < 2; r++) {
      maximum[r] = shared.maxima[0][index(r)];
#pragma unroll
      for (int s = 1; s < T::SIDES; s++) maximum[r] = fmaxf(maximum[r], shared.maxima[s][index(r)]);
    }
  }

  // Weights of all keys of the tile as left factors: the warp's own, or by way of shared memory.
  __device__ __forceinline__ void weigh(const float (&scores)[T::SCORES][4],
                                        const float (&shift)[2],
                                        uint32_t (&weight)[T::KEYS / 16][4]) {
    uint32_t own[T::SCORES][2];
#pragma unroll
    for (int n = 0; n < T::SCORES; n++) {
#pragma unroll
      for (int r = 0; r < 2; r++) {
        own[n][r] = packed(Kv{}, exp2Approx(scores[n][2 * r] - shift[r]),
                           exp2Approx(scores[n][2 * r + 1] - shift[r]));
      }
    }
    if constexpr (T::SIDES == 1) {
#pragma unroll
      for (int k = 0; k < T::KEYS / 16; k++) {
        for (int i = 0; i < 4; i++) weight[k][i] = own[2 * k + i / 2][i % 2];
      }
    } else {
      int key = side * (T::KEYS / T::SIDES) + lane % 4 * 2;
#pragma unroll
      for (int n = 0; n < T::SCORES; n++) {
#pragma unroll
        for (int r = 0; r < 2; r++) {
          *(uint32_t*)(dynamic + T::WEIGHTS_AT + index(r) * T::WEIGHT_PITCH + (key + 8 * n) * 2) = own[n][r];
        }
      }
      __syncthreads();
#pragma unroll
      for (int k = 0; k < T::KEYS / 16; k++) {
        int from = (row * 16 + lane % 16) * T::WEIGHT_PITCH + (2 * k + lane / 16) * 16;
        loadMatrix4(weight[k], dynamic + T::WEIGHTS_AT + from);
      }
    }
  }

  // Adds the weighted values of the warp's elements, and the weights.
  __device__ __forceinline__ void addTile(int turn, const uint32_t (&weight)[T::KEYS / 16][4]) {
    int value = valuesAt(turn) + T::place(lane, side * T::COLUMNS);
    uint32_t ones = packed(Kv{}, 1.0f, 1.0f);
#pragma unroll
    for (int k = 0; k < T::KEYS / 16; k += 2) {
#pragma unroll
      for (int n = 0; n < T::COLUMNS; n++) {
        uint32_t right[4];
        loadMatrix4Transposed(right, dynamic + T::beyond(value, n) + 16 * k * T::PITCH);
        multiply(state.sums[n], weight[k], right[0], right[1], Kv{});
        multiply(state.sums[n], weight[k + 1], right[2], right[3], Kv{});
      }
      multiply(state.weights, weight[k], ones, ones, Kv{});
      multiply(state.weights, weight[k + 1], ones, ones, Kv{});
    }
  }

  // Takes the segment into the total and begins the next.
  __device__ __forceinline__ void endSegment() {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      Scale total = {totals.maximum[r], totals.weights[r]};
      MergeFactors factors = merge(total, {state.maximum[r], state.weights[2 * r]});
      totals.maximum[r] = total.maximum;
      totals.weights[r] = total.sum;
#pragma unroll
      for (int n = 0; n < T::COLUMNS; n++) {
#pragma unroll
        for (int i = 2 * r; i < 2 * r + 2; i++) {
          totals.sums[n][i] = merged(totals.sums[n][i], state.sums[n][i], factors);
          state.sums[n][i] = 0;
        }
      }
      state.maximum[r] = -INFINITY;
      state.weights[2 * r] = state.weights[2 * r + 1] = 0;
    }
  }

  // Whether this thread writes the header of its rows.
  __device__ __forceinline__ bool isFirst() const { return side == 0 && lane % 4 == 0; }

  // The open segment's sums go to a partial result or to the state; with these, the totals.
  __device__ __forceinline__ void storeOpen(Closing closing) const {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      if (!isUsed(r)) continue;
      float* header = closing == NEVER ? partialOf(a, unit, task.tile, index(r))
                                       : stateOf(a, unit, index(r));
      float* to = header + (closing == NEVER ? PARTIAL_HEADER : STATE_HEADER);
      if (isFirst()) *(float2*)header = {state.maximum[r], state.weights[2 * r]};
#pragma unroll
      for (int n = 0; n < T::COLUMNS; n++) {
        if (column(n) < a.headDim) {
          *(float2*)(to + column(n)) = {state.sums[n][2 * r], state.sums[n][2 * r + 1]};
        }
      }
      if (closing == NEVER) continue;
      if (isFirst()) *(float2*)(header + 2) = {totals.maximum[r], totals.weights[r]};
#pragma unroll
      for (int n = 0; n < T::COLUMNS; n++) {
        if (column(n) < a.headDim) {
          *(float2*)(to + a.headDim + column(n)) = {totals.sums[n][2 * r],
                                                    totals.sums[n][2 * r + 1]};
        }
      }
    }
  }

  __device__ __forceinline__ void storeResult() const {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      if (!isUsed(r)) continue;
      bf16* to = a.out + unit.query(a, index(r)) * a.headDim;
      float sum = totals.weights[r];
#pragma unroll
      for (int n = 0; n < T::COLUMNS; n++) {
        if (column(n) < a.headDim) {
          *(uint32_t*)(to + column(n)) =
              packed(bf16{}, totals.sums[n][2 * r] / sum, totals.sums[n][2 * r + 1] / sum);
        }
      }
    }
  }
};

template <class T>
__device__ __forceinline__ void runTiled(const Attention& a) {
  __shared__ TiledShared<T> shared;
  DYNAMIC_SHARED(unsigned char, dynamic);
  TiledTotals<T> totals;
  Task task(a);
  forUnits(a, task, [&](const Unit& unit, int begin, int end) {
    TiledBlock<T>(a, task, unit, dynamic, shared, totals).run(begin, end);
  });
}

// One kernel for decodes and chunks of up to 16 vectors, and one for longer chunks, whose block has
// as many warps as shared memory and registers allow. few and many: blocks that a multiprocessor is
// to have at a time.
#define TILED(type, suffix, dim, few, rows, sides, many)                                     \
  using Few##suffix##dim = Tiled<type, dim, 1, 4>;                                           \
  ATTENTION(attentionFew##suffix##dim, Few##suffix##dim::THREADS, few,                       \
            runTiled<Few##suffix##dim>)                                                      \
  using Many##suffix##dim = Tiled<type, dim, rows, sides>;                                   \
  ATTENTION(attentionMany##suffix##dim, Many##suffix##dim::THREADS, many,                    \
            runTiled<Many##suffix##dim>)

#define TILED_FOR_ALL(type, suffix)   \
  TILED(type, suffix, 64, 4, 8, 1, 1) \
  TILED(type, suffix, 96, 3, 8, 1, 1) \
  TILED(type, suffix, 128, 3, 8, 1, 1) \
  TILED(type, suffix, 256, 2, 2, 2, 2)
