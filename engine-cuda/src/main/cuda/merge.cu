// Puts together what blocks of attention have left of a query's segments.
#include "attention.cuh"

#define MERGE_THREADS 128
// Elements of a head that a thread sums up.
#define MERGE_PER_THREAD 2
#define MERGE_WARPS (MERGE_THREADS / 32)

// A segment's part in the merge: what the total and its own accumulator are multiplied with, and
// its sum, multiplied.
struct MergeStep {
  float total, segment, sum;
};

struct MergeShared {
  MergeStep steps[MERGE_THREADS];
  float maxima[MERGE_WARPS];
};

// A query's total while segments are merged into it, spread over the threads of a block.
struct Merge {
  Scale scale;
  float sums[MERGE_PER_THREAD];

  // Takes in segments first ... last, whose result partial(segment) points to. The steps are those of
  // merge(), one segment after the other; only what they need of the maxima is found for many at once.
  template <class Partial>
  __device__ __forceinline__ void take(MergeShared& shared, int first, int last, int headDim,
                                       Partial partial) {
#pragma unroll 1
    for (int from = first; from <= last; from += MERGE_THREADS) {
      int count = min(MERGE_THREADS, last + 1 - from);
      findSteps(shared, from, count, partial);
#pragma unroll 8
      for (int i = 0; i < count; i++) {
        MergeStep step = shared.steps[i];
        const float* at = partial(from + i) + PARTIAL_HEADER;
        scale.sum = fmaf(scale.sum, step.total, step.sum);
        for (int n = 0; n < MERGE_PER_THREAD; n++) {
          int d = (int)threadIdx.x + MERGE_THREADS * n;
          float sum = d < headDim ? at[d] : 0;
          sums[n] = merged(sums[n], sum, {step.total, step.segment});
        }
      }
      __syncthreads();
    }
  }

 private:
  template <class Partial>
  __device__ __forceinline__ void findSteps(MergeShared& shared, int from, int count,
                                            Partial partial) {
    int own = (int)threadIdx.x;
    Scale segment = {-INFINITY, 0};
    if (own < count) {
      const float* header = partial(from + own);
      segment = {header[0], header[1]};
    }
    // The largest maximum up to each segment, within the warp and then before it.
    float upTo = segment.maximum;
    for (int offset = 1; offset < 32; offset *= 2) {
      float other = __shfl_up_sync(~0u, upTo, (unsigned)offset);
      if (own % 32 >= offset) upTo = fmaxf(upTo, other);
    }
    float before = __shfl_up_sync(~0u, upTo, 1u);
    if (own % 32 == 0) before = -INFINITY;
    if (own % 32 == 31) shared.maxima[own / 32] = upTo;
    __syncthreads();
    before = fmaxf(before, scale.maximum);
    for (int w = 0; w < own / 32; w++) before = fmaxf(before, shared.maxima[w]);
    MergeFactors factors = mergeFactors(before, segment.maximum);
    shared.steps[own] = {factors.total, factors.segment, __fmul_rn(segment.sum, factors.segment)};
    for (int w = 0; w < MERGE_WARPS; w++) scale.maximum = fmaxf(scale.maximum, shared.maxima[w]);
    __syncthreads();
  }
};

// Where a query's partial results lie, by segment; see partialOf. An item is a tile's segment. With
// a plan, which has the first item and the first segment of each tile, a tile's items follow each
// other; without, the tiles of each segment do.
class PartialsOf {
 public:
  __device__ __forceinline__ PartialsOf(const float* values, const int4* plan, int firstItem,
                                        int tiles, int firstSegment, Cut cut, int row, int head,
                                        int heads, int kvHeads, int headDim) {
    int group = heads / kvHeads;
    int vector = row * group + head % group;
    int tile = cut.tileOf(vector);
    size_t width = PARTIAL_HEADER + headDim;
    size_t item = kvHeads * cut.step * width;
    origin = values + (head / group * cut.step + vector - cut.begin(tile)) * width;
    if (plan != nullptr) {
      origin += (plan[tile].x - firstItem) * item;
      first = plan[tile].y;
      pace = item;
    } else {
      origin += tile * item;
      first = firstSegment;
      pace = tiles * item;
    }
  }

  __device__ __forceinline__ const float* operator()(int segment) const {
    return origin + (segment - first) * pace;
  }

 private:
  const float* origin;
  size_t pace;
  int first;
};

// Merges the segments that a row sees. Grid: rows from `row` on, heads; vectors count from firstRow.
KAPPA_KERNEL_OF(MERGE_THREADS, 8, mergeSegments)
(const float* __restrict__ values, const int4* __restrict__ plan, int firstItem, int tiles,
 int firstSegment, const int* __restrict__ positions, int firstRow, int row, int vectors, int reach,
 int step, int heads, int kvHeads, int headDim, int window, bf16* out) {
  __shared__ MergeShared shared;
  row += (int)blockIdx.x;
  int head = (int)blockIdx.y;
  PartialsOf partial(values, plan, firstItem, tiles, firstSegment, {vectors, reach, step},
                     row - firstRow, head, heads, kvHeads, headDim);
  int position = positions[row];
  Merge merge = {{-INFINITY, 0}, {}};
  merge.take(shared, segmentOf(max(0, position - window + 1)), segmentOf(position), headDim,
             partial);
  bf16* to = out + ((size_t)row * heads + head) * headDim;
  for (int n = 0; n < MERGE_PER_THREAD; n++) {
    int d = (int)threadIdx.x + MERGE_THREADS * n;
    if (d < headDim) put(to + d, merge.sums[n] / merge.scale.sum);
  }
}
EXPORT_KERNEL(mergeSegments)

// Takes the segments of a span into the state: those that end in it into the total, the last one
// otherwise as the open one. Grid: rows, heads.
KAPPA_KERNEL_OF(MERGE_THREADS, 8, mergeSpan)
(const float* __restrict__ values, int tiles, int firstSegment, int first, int end,
 const int* __restrict__ positions, int vectors, int reach, int step, int heads, int kvHeads,
 int headDim, int window, float* states) {
  __shared__ MergeShared shared;
  int row = (int)blockIdx.x;
  int head = (int)blockIdx.y;
  int position = positions[row];
  int from = max(first, position - window + 1);
  int to = min(end, position + 1);
  if (from >= to && first > 0) return;
  float* state = states + ((size_t)row * heads + head) * (STATE_HEADER + 2 * headDim);
  float* totals = state + STATE_HEADER + headDim;
  Merge merge = {{-INFINITY, 0}, {}};
  if (first > 0) {
    merge.scale = {state[2], state[3]};
    for (int n = 0; n < MERGE_PER_THREAD; n++) {
      int d = (int)threadIdx.x + MERGE_THREADS * n;
      if (d < headDim) merge.sums[n] = totals[d];
    }
  }
  PartialsOf partial(values, nullptr, 0, tiles, firstSegment, {vectors, reach, step}, row, head,
                     heads, kvHeads, headDim);
  int last = from < to ? segmentOf(to - 1) : -1;
  bool open = last >= 0 && segmentBegin(last + 1) > end;
  if (last >= 0) merge.take(shared, segmentOf(from), open ? last - 1 : last, headDim, partial);
  // All have read the header.
  __syncthreads();
  const float* rest = open ? partial(last) : nullptr;
  if (threadIdx.x == 0) {
    state[0] = open ? rest[0] : -INFINITY;
    state[1] = open ? rest[1] : 0;
    state[2] = merge.scale.maximum;
    state[3] = merge.scale.sum;
  }
  for (int n = 0; n < MERGE_PER_THREAD; n++) {
    int d = (int)threadIdx.x + MERGE_THREADS * n;
    if (d < headDim) {
      state[STATE_HEADER + d] = open ? rest[PARTIAL_HEADER + d] : 0;
      totals[d] = merge.sums[n];
    }
  }
}
EXPORT_KERNEL(mergeSpan)

// The attention of all spans so far: merges the open segment, leaving the state as it is. Grid:
// rows, heads.
KAPPA_KERNEL(attentionResult)
(const float* __restrict__ states, int heads, int headDim, bf16* out) {
  size_t query = (size_t)blockIdx.x * heads + blockIdx.y;
  const float* state = states + query * (STATE_HEADER + 2 * headDim);
  for (int d = (int)threadIdx.x; d < headDim; d += (int)blockDim.x) {
    Scale total = {state[2], state[3]};
    MergeFactors factors = merge(total, {state[0], state[1]});
    float sum = merged(state[STATE_HEADER + headDim + d], state[STATE_HEADER + d], factors);
    put(out + query * headDim + d, sum / total.sum);
  }
}
EXPORT_KERNEL(attentionResult)
