// Warp operations and barriers of a block.
#pragma once

#include "fibers.h"

namespace onhost {

template <class T>
struct Exchange {
  T value;
  int source;
  T result;
};

// A lane that reads one that does not take part gets poison, as the result is undefined there.
template <class T>
void exchangeAll(void** arguments, unsigned lanes) {
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    auto* reader = (Exchange<T>*)arguments[__builtin_ctz(rest)];
    if (lanes >> reader->source & 1) {
      reader->result = ((Exchange<T>*)arguments[reader->source])->value;
    } else {
      __builtin_memset((void*)&reader->result, 0xff, sizeof(T));
    }
  }
}

template <class T>
T exchange(unsigned mask, T value, int source) {
  Exchange<T> own{value, source, value};
  waitForWarp(mask, &own, exchangeAll<T>);
  return own.result;
}

struct Vote {
  bool predicate;
  unsigned result;
};

inline void voteAll(void** arguments, unsigned lanes) {
  unsigned result = 0;
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    int l = __builtin_ctz(rest);
    if (((Vote*)arguments[l])->predicate) result |= 1u << l;
  }
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    ((Vote*)arguments[__builtin_ctz(rest)])->result = result;
  }
}

inline unsigned vote(unsigned mask, bool predicate) {
  Vote own{predicate, 0};
  waitForWarp(mask, &own, voteAll);
  return own.result;
}

inline void meet(void**, unsigned) {}

// First lane of the group of `width` lanes that this one belongs to.
inline int groupStart(int width) { return lane() & ~(width - 1); }

}  // namespace onhost

#define __syncthreads() onhost::waitForBlock(__LINE__)

inline void __syncwarp(unsigned mask = ~0u) { onhost::waitForWarp(mask, nullptr, onhost::meet); }

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  return onhost::exchange(mask, value, onhost::groupStart(width) | (source & (width - 1)));
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int laneMask, int width = 32) {
  int source = onhost::lane() ^ laneMask;
  bool inside = (source & ~(width - 1)) <= onhost::groupStart(width);
  return onhost::exchange(mask, value, inside ? source : onhost::lane());
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  int source = onhost::lane() + (int)delta;
  bool inside = source < onhost::groupStart(width) + width;
  return onhost::exchange(mask, value, inside ? source : onhost::lane());
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  int source = onhost::lane() - (int)delta;
  bool inside = source >= onhost::groupStart(width);
  return onhost::exchange(mask, value, inside ? source : onhost::lane());
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
  return onhost::vote(mask, predicate != 0);
}
inline int __any_sync(unsigned mask, int predicate) {
  return onhost::vote(mask, predicate != 0) != 0;
}
inline int __all_sync(unsigned mask, int predicate) {
  return onhost::vote(mask, predicate == 0) == 0;
}
inline unsigned __activemask() {
  return onhost::block().warps[onhost::thread().number / 32].alive;
}
