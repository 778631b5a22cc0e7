// Adds a bias and norms (where asked) and rotates query and key heads, and stores keys and values into
// KV blocks.
#include "kappa.cuh"
#include "values.cuh"

// Pairs of elements (i, i + rotaryDim / 2) that a lane holds, for heads of up to 256 elements.
#define MOST_PAIRS 4

// Elements behind those that are rotated.
#define MOST_REST 8

// An element with its bias; null for none.
__device__ __forceinline__ float biased(const bf16* head, const float* bias, int i) {
  float x = toFloat(head[i]);
  return bias == nullptr ? x : x + bias[i];
}

// Rotates a head: one warp, lane i has pairs i, i + 32 ... and of the rest elements i, i + 32 ...
// bias, norm: null for none.
template <class To>
__device__ __forceinline__ void rotateHead(const bf16* head, const float* angles, int rotaryDim,
                                           const float* bias, const float* norm, float epsilon,
                                           int headDim, To* to) {
  int half = rotaryDim / 2;
  int lane = (int)threadIdx.x % 32;
  float first[MOST_PAIRS], second[MOST_PAIRS], rest[MOST_REST];
  float squares = 0;
#pragma unroll
  for (int n = 0; n < MOST_PAIRS; n++) {
    int i = lane + 32 * n;
    if (i < half) {
      first[n] = biased(head, bias, i);
      second[n] = biased(head, bias, i + half);
      squares = fmaf(first[n], first[n], squares);
      squares = fmaf(second[n], second[n], squares);
    }
  }
#pragma unroll
  for (int n = 0; n < MOST_REST; n++) {
    int i = rotaryDim + lane + 32 * n;
    if (i < headDim) {
      rest[n] = biased(head, bias, i);
      squares = fmaf(rest[n], rest[n], squares);
    }
  }
  float factor = 1;
  if (norm != nullptr) factor = 1.0f / sqrtf(warpSum(squares) / (float)headDim + epsilon);
#pragma unroll
  for (int n = 0; n < MOST_PAIRS; n++) {
    int i = lane + 32 * n;
    if (i < half) {
      float x = first[n], y = second[n];
      if (norm != nullptr) {
        x = x * factor * norm[i];
        y = y * factor * norm[i + half];
      }
      float cosine = angles[i], sine = angles[half + i];
      put(to + i, fmaf(-y, sine, __fmul_rn(x, cosine)));
      put(to + i + half, fmaf(x, sine, __fmul_rn(y, cosine)));
    }
  }
#pragma unroll
  for (int n = 0; n < MOST_REST; n++) {
    int i = rotaryDim + lane + 32 * n;
    if (i < headDim) put(to + i, norm == nullptr ? rest[n] : rest[n] * factor * norm[i]);
  }
}

// One block per row; its warps share the heads: queries, then keys, then values.
template <class Kv>
__device__ __forceinline__ void ropeStoreRow(bf16* qkv, const int* positions, const int* sequences,
                                             const int* tables, int maxBlocks, const float* angles,
                                             int rotaryDim, const float* bias,
                                             const float* queryNorm, const float* keyNorm,
                                             float epsilon, int heads, int kvHeads, int headDim,
                                             unsigned char* pool, long long blockStride,
                                             long long keyOffset, long long valueOffset,
                                             int blockTokens) {
  int row = (int)blockIdx.x;
  int position = positions[row];
  int block = tables[(size_t)sequences[row] * maxBlocks + position / blockTokens];
  int token = position % blockTokens;
  unsigned char* target = pool + block * blockStride;
  bf16* own = qkv + (size_t)row * (heads + 2 * kvHeads) * headDim;
  const float* turned = angles + (size_t)position * rotaryDim;
  int warps = (int)blockDim.x / 32;
  for (int h = (int)threadIdx.x / 32; h < heads + 2 * kvHeads; h += warps) {
    bf16* head = own + (size_t)h * headDim;
    const float* added = bias == nullptr ? nullptr : bias + h * headDim;
    if (h < heads) {
      rotateHead(head, turned, rotaryDim, added, queryNorm, epsilon, headDim, head);
      continue;
    }
    int kvHead = (h - heads) % kvHeads;
    size_t at = ((size_t)kvHead * blockTokens + token) * headDim;
    if (h < heads + kvHeads) {
      Kv* to = (Kv*)(target + keyOffset) + at;
      rotateHead(head, turned, rotaryDim, added, keyNorm, epsilon, headDim, to);
    } else {
      Kv* to = (Kv*)(target + valueOffset) + at;
      for (int d = (int)threadIdx.x % 32; d < headDim; d += 32) put(to + d, biased(head, added, d));
    }
  }
}

#define ROPE_STORE(name, Kv)                                                                    \
  KAPPA_KERNEL(name)(bf16* qkv, const int* positions, const int* sequences, const int* tables,  \
                     int maxBlocks, const float* angles, int rotaryDim, const float* bias,      \
                     const float* queryNorm, const float* keyNorm, float epsilon, int heads,    \
                     int kvHeads, int headDim, unsigned char* pool, long long blockStride,      \
                     long long keyOffset, long long valueOffset, int blockTokens) {             \
    ropeStoreRow<Kv>(qkv, positions, sequences, tables, maxBlocks, angles, rotaryDim, bias,     \
                     queryNorm, keyNorm, epsilon, heads, kvHeads, headDim, pool, blockStride,   \
                     keyOffset, valueOffset, blockTokens);                                      \
  }                                                                                             \
  EXPORT_KERNEL(name)

ROPE_STORE(ropeStoreBf16, bf16)
ROPE_STORE(ropeStoreF16, __half)
ROPE_STORE(ropeStoreF32, float)
