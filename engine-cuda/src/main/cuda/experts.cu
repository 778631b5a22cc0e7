// The products of a mixture of experts. Plain: a warp per output reads its weights once for every
// few rows of their expert, so it suits decoding, where that is what takes time.
#include "eights.cuh"
#include "kappa.cuh"
#include "values.cuh"

// Rows that weights in registers are multiplied with.
#define EXPERT_ROWS 8

// out[place][output] = in[row of the place] * weights[expert][output]; blocks (outputs, expert), a
// warp per output. The order of a sum depends on its length alone. rows: null where the row of each
// place lies at the place.
KAPPA_KERNEL(multiplyExperts)(const bf16* in, const int* rows, const int* starts,
                              const bf16* weights, int outputs, int inputs, bf16* out) {
  int output = (int)(blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32);
  if (output >= outputs) return;
  int lane = (int)threadIdx.x % 32;
  int expert = (int)blockIdx.y;
  const bf16* weight = weights + ((size_t)expert * outputs + output) * inputs;
  int end = starts[expert + 1];
  for (int place = starts[expert]; place < end; place += EXPERT_ROWS) {
    int count = min(EXPERT_ROWS, end - place);
    // Rows that are missing repeat the first.
    const bf16* from[EXPERT_ROWS];
#pragma unroll
    for (int r = 0; r < EXPERT_ROWS; r++) {
      int at = place + (r < count ? r : 0);
      from[r] = in + (size_t)(rows == nullptr ? at : rows[at]) * inputs;
    }
    float sums[EXPERT_ROWS] = {};
    if (isEights(inputs)) {
      for (int i = 8 * lane; i < inputs; i += 256) {
        Eight w = loadEight(weight + i);
#pragma unroll
        for (int r = 0; r < EXPERT_ROWS; r++) {
          if (r < count) {
            Eight x = loadEight(from[r] + i);
#pragma unroll
            for (int e = 0; e < 8; e++) sums[r] = fmaf(toFloat(x.at[e]), toFloat(w.at[e]), sums[r]);
          }
        }
      }
    } else {
      for (int i = lane; i < inputs; i += 32) {
        float w = toFloat(weight[i]);
#pragma unroll
        for (int r = 0; r < EXPERT_ROWS; r++) sums[r] = fmaf(toFloat(from[r][i]), w, sums[r]);
      }
    }
    // Lane r writes the r-th row's result.
    bf16* to = out + (size_t)place * outputs + output;
#pragma unroll
    for (int r = 0; r < EXPERT_ROWS; r++) {
      float sum = warpSum(sums[r]);
      if (lane == r && r < count) put(to + (size_t)r * outputs, sum);
    }
  }
}
EXPORT_KERNEL(multiplyExperts)
