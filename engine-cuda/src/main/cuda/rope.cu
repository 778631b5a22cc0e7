// Norms (where asked) and rotates query and key heads, and stores keys and values into KV blocks.
#include "kappa.cuh"
#include "values.cuh"

// Pairs of elements (i, i + headDim / 2) that a lane holds, for heads of up to 256 elements.
#define MOST_PAIRS 4

// Rotates a head: one warp, lane i has pairs i, i + 32 ... norm: null for none.
template <class To>
__device__ __forceinline__ void rotateHead(const bf16* head, const float* angles, const float* norm,
                                           float epsilon, int headDim, To* to) {
  int half = headDim / 2;
  int lane = (int)threadIdx.x % 32;
  float first[MOST_PAIRS], second[MOST_PAIRS];
  float squares = 0;
#pragma unroll
  for (int n = 0; n < MOST_PAIRS; n++) {
    int i = lane + 32 * n;
    if (i < half) {
      first[n] = toFloat(head[i]);
      second[n] = toFloat(head[i + half]);
      squares = fmaf(first[n], first[n], squares);
      squares = fmaf(second[n], second[n], squares);
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
}

// One block per row; its warps share the heads: queries, then keys, then values.
template <class Kv>
__device__ __forceinline__ void ropeStoreRow(bf16* qkv, const int* positions, const int* sequences,
                                             const int* tables, int maxBlocks, const float* angles,
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
  const float* turned = angles + (size_t)position * headDim;
  int warps = (int)blockDim.x / 32;
  for (int h = (int)threadIdx.x / 32; h < heads + 2 * kvHeads; h += warps) {
    bf16* head = own + (size_t)h * headDim;
    if (h < heads) {
      rotateHead(head, turned, queryNorm, epsilon, headDim, head);
      continue;
    }
    int kvHead = (h - heads) % kvHeads;
    size_t at = ((size_t)kvHead * blockTokens + token) * headDim;
    if (h < heads + kvHeads) {
      rotateHead(head, turned, keyNorm, epsilon, headDim, (Kv*)(target + keyOffset) + at);
    } else {
      Kv* to = (Kv*)(target + valueOffset) + at;
      for (int d = (int)threadIdx.x % 32; d < headDim; d += 32) put(to + d, toFloat(head[d]));
    }
  }
}

#define ROPE_STORE(name, Kv)                                                                    \
  KAPPA_KERNEL(name)(bf16* qkv, const int* positions, const int* sequences, const int* tables,  \
                     int maxBlocks, const float* angles, const float* queryNorm,                \
                     const float* keyNorm, float epsilon, int heads, int kvHeads, int headDim,  \
                     unsigned char* pool, long long blockStride, long long keyOffset,           \
                     long long valueOffset, int blockTokens) {                                  \
    ropeStoreRow<Kv>(qkv, positions, sequences, tables, maxBlocks, angles, queryNorm, keyNorm,  \
                     epsilon, heads, kvHeads, headDim, pool, blockStride, keyOffset,            \
                     valueOffset, blockTokens);                                                 \
  }                                                                                             \
  EXPORT_KERNEL(name)

ROPE_STORE(ropeStoreBf16, bf16)
ROPE_STORE(ropeStoreF16, __half)
ROPE_STORE(ropeStoreF32, float)
