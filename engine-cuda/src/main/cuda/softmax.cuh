// How attention is summed up, the same on every path. A context is cut at absolute positions into
// segments, and those into tiles. Each segment has a state of its own (maximum, sum, accumulator),
// which takes in one tile after the other; the states of a query's segments are merged in order.
// So a query's bits depend neither on who computes which segment nor on when. What a query does not
// see leaves a state as it is, bit by bit.
#pragma once

#include "kappa.cuh"
#include "ptx.cuh"

#define LOG2_E 1.44269504f

// Segments grow with the position, so that long contexts have few to merge and short ones enough to
// spread over a GPU: 16 of 512 tokens, 24 of 1024, then 2048. AttentionSegments.java has the same.
#define NEAR_SEGMENT 512
#define NEAR_END 8192
#define NEAR_SEGMENTS (NEAR_END / NEAR_SEGMENT)
#define MIDDLE_SEGMENT 1024
#define MIDDLE_END 32768
#define MIDDLE_SEGMENTS (NEAR_SEGMENTS + (MIDDLE_END - NEAR_END) / MIDDLE_SEGMENT)
#define FAR_SEGMENT 2048

__device__ __forceinline__ int segmentOf(int token) {
  if (token < NEAR_END) return token / NEAR_SEGMENT;
  if (token < MIDDLE_END) return NEAR_SEGMENTS + (token - NEAR_END) / MIDDLE_SEGMENT;
  return MIDDLE_SEGMENTS + (token - MIDDLE_END) / FAR_SEGMENT;
}

// First token of a segment, and so the end of the one before.
__device__ __forceinline__ int segmentBegin(int segment) {
  if (segment < NEAR_SEGMENTS) return segment * NEAR_SEGMENT;
  if (segment < MIDDLE_SEGMENTS) return NEAR_END + (segment - NEAR_SEGMENTS) * MIDDLE_SEGMENT;
  return MIDDLE_END + (segment - MIDDLE_SEGMENTS) * FAR_SEGMENT;
}

// Whether a segment begins at a token, which is a multiple of a tile.
__device__ __forceinline__ bool beginsSegment(int token) {
  return segmentBegin(segmentOf(token)) == token;
}

// From products of queries and keys to scores in units of log 2: exponentials are powers of two.
struct Scoring {
  float factor;
  float bound;  // of the score; 0 for none

  __device__ __forceinline__ Scoring(float scale, float softcap)
      : factor(softcap > 0 ? 2 * LOG2_E * scale / softcap : LOG2_E * scale),
        bound(LOG2_E * softcap) {}

  // bound * tanh(x), of which the factor has made 2 x / log 2.
  __device__ __forceinline__ float bounded(float doubled) const {
    return fmaf(-2 * bound, __fdividef(1, exp2Approx(doubled) + 1), bound);
  }
};

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

// Of a segment with a maximum, behind others with a maximum before it.
__device__ __forceinline__ MergeFactors mergeFactors(float before, float segment) {
  float maximum = fmaxf(before, segment);
  return {weightOf(before, maximum), weightOf(segment, maximum)};
}

__device__ __forceinline__ float merged(float total, float segment, MergeFactors factors) {
  return fmaf(total, factors.total, __fmul_rn(segment, factors.segment));
}

// Takes a segment into the total of those before it.
__device__ __forceinline__ MergeFactors merge(Scale& total, Scale segment) {
  MergeFactors factors = mergeFactors(total.maximum, segment.maximum);
  total.sum = merged(total.sum, segment.sum, factors);
  total.maximum = fmaxf(total.maximum, segment.maximum);
  return factors;
}
