// A mixture of experts, but for its products: who is chosen, in which order their rows are brought,
// and how their results are added up.
#include "eights.cuh"
#include "kappa.cuh"
#include "values.cuh"

// Experts that a lane of a warp looks at: as many as it has bits to remember those that are taken.
#define MOST_PER_LANE 32

#define NO_EXPERT 0x7fffffff

// A score as it is compared: any number is larger than none.
__device__ __forceinline__ float comparable(float score) {
  return isnan(score) ? -INFINITY : score;
}

// A warp per row chooses the experts with the largest scores, of equals the first, and their weights
// by a softmax: over all experts, or where normalized over the chosen. At most 32 are chosen.
KAPPA_KERNEL(routeRows)(const float* scores, int rows, int experts, int perToken, int normalized,
                        int* choices) {
  int row = (int)(blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32);
  if (row >= rows) return;
  int lane = (int)threadIdx.x % 32;
  const float* own = scores + (size_t)row * experts;
  unsigned taken = 0;
  int chosen = 0;
  for (int slot = 0; slot < perToken; slot++) {
    float best = -INFINITY;
    int at = NO_EXPERT;
    for (int n = 0; n < MOST_PER_LANE; n++) {
      int expert = lane + 32 * n;
      if (expert >= experts) break;
      float score = comparable(own[expert]);
      bool better = at == NO_EXPERT || score > best;
      if (better && (taken >> n & 1) == 0) {
        best = score;
        at = expert;
      }
    }
    for (int offset = 16; offset > 0; offset /= 2) {
      float score = __shfl_xor_sync(~0u, best, offset);
      int expert = __shfl_xor_sync(~0u, at, offset);
      if (score > best || (score == best && expert < at)) {
        best = score;
        at = expert;
      }
    }
    if (at % 32 == lane) taken |= 1u << (at / 32);
    if (slot == lane) chosen = at;
  }
  bool mine = lane < perToken;
  float largest = own[__shfl_sync(~0u, chosen, 0)];
  float weight = mine ? expf(own[chosen] - largest) : 0.0f;
  float sum = weight;
  if (!normalized) {
    sum = 0;
    for (int expert = lane; expert < experts; expert += 32) sum += expf(own[expert] - largest);
  }
  sum = warpSum(sum);
  if (mine) {
    int* to = choices + 2 * ((size_t)row * perToken + lane);
    to[0] = chosen;
    to[1] = __float_as_int(weight / sum);
  }
}
EXPORT_KERNEL(routeRows)

// Sorts choices by expert, of one expert in order of rows: a block of 256 threads per expert counts
// the choices of those before it, and places its own. starts: [experts + 1]; rows: of each place;
// places: of each choice.
KAPPA_KERNEL(sortChoices)(const int* choices, int count, int perToken, int* starts, int* rows,
                          int* places) {
  __shared__ float partial[32];
  __shared__ int found[8];
  int expert = (int)blockIdx.x;
  int thread = (int)threadIdx.x;
  // Numbers of choices are exact as floats.
  float before = 0;
  for (int i = thread; i < count; i += 256) before += choices[2 * (size_t)i] < expert ? 1.0f : 0.0f;
  int place = (int)blockSum(before, partial);
  if (thread == 0) starts[expert] = place;
  for (int first = 0; first < count; first += 256) {
    int i = first + thread;
    bool own = i < count && choices[2 * (size_t)i] == expert;
    unsigned lanes = __ballot_sync(~0u, own);
    __syncthreads();
    if (thread % 32 == 0) found[thread / 32] = __popc(lanes);
    __syncthreads();
    int at = place + __popc(lanes & ((1u << thread % 32) - 1));
    for (int warp = 0; warp < 8; warp++) {
      if (warp < thread / 32) at += found[warp];
      place += found[warp];
    }
    if (own) {
      rows[at] = i / perToken;
      places[i] = at;
    }
  }
  if (thread == 0 && blockIdx.x == gridDim.x - 1) starts[expert + 1] = place;
}
EXPORT_KERNEL(sortChoices)

// out[row] = sum over its choices, in their order, of weight * results[place]; one block per row.
KAPPA_KERNEL(combineExperts)(const bf16* results, const int* choices, const int* places,
                             int perToken, int columns, bf16* out) {
  size_t first = (size_t)blockIdx.x * perToken;
  bf16* to = out + (size_t)blockIdx.x * columns;
  bool eights = isEights(columns);
  int width = eights ? 8 : 1;
  for (int i = width * (int)threadIdx.x; i < columns; i += width * (int)blockDim.x) {
    float sums[8] = {};
    for (int slot = 0; slot < perToken; slot++) {
      float weight = __int_as_float(choices[2 * (first + slot) + 1]);
      const bf16* from = results + (size_t)places[first + slot] * columns + i;
      if (eights) {
        Eight x = loadEight(from);
#pragma unroll
        for (int e = 0; e < 8; e++) sums[e] = fmaf(toFloat(x.at[e]), weight, sums[e]);
      } else {
        sums[0] = fmaf(toFloat(from[0]), weight, sums[0]);
      }
    }
    if (eights) {
      Eight x;
#pragma unroll
      for (int e = 0; e < 8; e++) put(&x.at[e], sums[e]);
      storeEight(to + i, x);
    } else {
      put(to + i, sums[0]);
    }
  }
}
EXPORT_KERNEL(combineExperts)
