package dev.kappa.sample;

import java.util.Arrays;

/**
 * The N highest logits of a row, found in one pass with a heap whose root is the worst token kept.
 * Scratch grows to the largest N asked for. Not thread-safe.
 */
final class TopTokens {

  private long[] heap = new long[0];
  private int size;

  /** Selects the {@code min(count, values.length)} best tokens. */
  void select(float[] values, int count) {
    size = Math.min(count, values.length);
    if (size == 0) {
      return;
    }
    if (heap.length < size) {
      heap = Arrays.copyOf(heap, size);
    }
    for (int i = 0; i < size; i++) {
      heap[i] = RankKey.of(values[i], i);
    }
    for (int i = size / 2 - 1; i >= 0; i--) {
      siftDown(i, size);
    }
    float worst = RankKey.logit(heap[0]);
    for (int i = size; i < values.length; i++) {
      // A token equal to the worst has a higher index than all seen, so it ranks below.
      if (values[i] > worst) {
        heap[0] = RankKey.of(values[i], i);
        siftDown(0, size);
        worst = RankKey.logit(heap[0]);
      }
    }
  }

  int size() {
    return size;
  }

  /** The key of the worst selected token, before {@link #sort}. */
  long worst() {
    return heap[0];
  }

  /** Puts the selected tokens in order of rank. */
  void sort() {
    for (int end = size - 1; end > 0; end--) {
      long worst = heap[0];
      heap[0] = heap[end];
      heap[end] = worst;
      siftDown(0, end);
    }
  }

  /** The token of a rank, after {@link #sort}. */
  int token(int rank) {
    return RankKey.index(heap[rank]);
  }

  private void siftDown(int from, int end) {
    long key = heap[from];
    int at = from;
    while (2 * at + 1 < end) {
      int child = 2 * at + 1;
      if (child + 1 < end && heap[child + 1] > heap[child]) {
        child++;
      }
      if (heap[child] <= key) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = key;
  }
}
