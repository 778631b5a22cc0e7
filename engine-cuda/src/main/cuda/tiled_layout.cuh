// What a block of attention on tensor cores keeps where: in shared memory, in registers, and in
// memory of the thread.
#pragma once

#include "kappa.cuh"

// The geometry for heads of up to D elements; DYNAMIC is AttentionKernels.java's sharedBytes.
template <class Type, int D_, int ROWS_, int SIDES_>
struct Tiled {
  using Kv = Type;
  static constexpr int D = D_;
  static constexpr int ROWS = ROWS_;
  static constexpr int SIDES = SIDES_;
  static constexpr int WARPS = ROWS * SIDES;
  static constexpr int THREADS = 32 * WARPS;
  static constexpr int VECTORS = 16 * ROWS;
  static constexpr int KEYS = D > 128 ? 32 : 64;  // of a tile
  static constexpr int CHUNKS = D / 8;            // of 16 bytes, in a row
  // Rows whose length is a multiple of 128 bytes have their chunks permuted, others are padded, so
  // that eight rows' chunks lie in different banks.
  static constexpr int PITCH = D % 64 == 0 ? 2 * D : 2 * D + 16;
  static constexpr int SIDE_BYTES = KEYS * PITCH;
  static constexpr int WEIGHT_PITCH = 2 * KEYS + 16;
  static constexpr int WEIGHTS_AT = 4 * SIDE_BYTES + VECTORS * PITCH;
  static constexpr int DYNAMIC = WEIGHTS_AT + (SIDES > 1 ? VECTORS * WEIGHT_PITCH : 0);
  static constexpr int SCORES = KEYS / SIDES / 8;   // pieces of 8 keys that a warp scores
  static constexpr int COLUMNS = D / SIDES / 8;     // pieces of 8 elements that a warp sums up

  static_assert(D % 32 == 0 && KEYS % 32 == 0 && SCORES > 0, "fragments are loaded in fours");
  static_assert(KEYS * CHUNKS % THREADS == 0 && 2 * KEYS <= THREADS, "threads share copies evenly");

  static __device__ __forceinline__ int place(int row, int chunk) {
    return row * PITCH + (D % 64 == 0 ? chunk ^ (row & 7) : chunk) * 16;
  }
  // The place of a chunk further on, given that of one whose number has none of `further`'s bits, or,
  // where rows are padded, of any: so one address serves a whole row.
  static __device__ __forceinline__ int beyond(int place, int further) {
    return D % 64 == 0 ? place ^ (further * 16) : place + further * 16;
  }
};

// Beside the dynamic shared memory: keys and values of two tiles, queries, weights.
template <class T>
struct TiledShared {
  long long offsets[2][T::KEYS];  // of a tile's tokens; -1 where there are none
  float factors[T::VECTORS];
  int positions[T::VECTORS];  // -1 behind the unit's last
  float maxima[T::SIDES][T::VECTORS];
  static_assert(T::DYNAMIC + sizeof(offsets) + 2 * sizeof(factors) + sizeof(maxima) <= 99 * 1024,
                "more shared memory than every GPU since sm_80 has");
};

// What a thread holds: rows lane / 4 and lane / 4 + 8 of its warp's 16 vectors, and of each piece of
// 8 columns the two from lane % 4 * 2 on, as mma lays them out.
template <class T>
struct TiledState {
  float sums[T::COLUMNS][4];
  // Sum of the weights: another column of sums, of values that are all 1.
  float weights[4];
  float maximum[2];
};

// Of the segments that have ended. They are needed once in a segment: volatile keeps them out of
// registers, in memory that the first cache holds.
template <class T>
struct TiledTotals {
  volatile float sums[T::COLUMNS][4];
  volatile float maximum[2], weights[2];
};
