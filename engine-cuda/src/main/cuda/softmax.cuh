// How attention is summed up, the same on every path. A context is cut at absolute positions into
// segments, and those into tiles. Each segment has a state of its own (maximum, sum, accumulator),
// which takes in one tile after the other; the states of a query's segments are merged in order.
// So a query's bits depend neither on who computes which segment nor on when.
#pragma once

#include "kappa.cuh"
#include "ptx.cuh"

#define TILE 64
#define SEGMENT 512

// Scores come in units of log 2: exponentials are powers of two.
__device__ __forceinline__ float weightOf(float score, float maximum) {
  return score == -INFINITY ? 0.0f : exp2Approx(score - maximum);
}

// Maximum and sum of a state.
struct Scale {
  float maximum;
  float sum;
};

// What a merge multiplies the accumulators with.
struct MergeFactors {
  float total;
  float segment;
};

// Takes a segment that is not empty into the total of those before it.
__device__ __forceinline__ MergeFactors merge(Scale& total, Scale segment) {
  float maximum = fmaxf(total.maximum, segment.maximum);
  MergeFactors factors = {weightOf(total.maximum, maximum), weightOf(segment.maximum, maximum)};
  total.sum = fmaf(total.sum, factors.total, __fmul_rn(segment.sum, factors.segment));
  total.maximum = maximum;
  return factors;
}

__device__ __forceinline__ float merged(float total, float segment, MergeFactors factors) {
  return fmaf(total, factors.total, __fmul_rn(segment, factors.segment));
}
