package dev.kappa.sample;

import java.util.Arrays;

/**
 * How often tokens have occurred, and in which order they first did: an open hash table from token
 * to a dense index. Grows with the number of different tokens. Not thread-safe.
 */
final class TokenCounts {

  private int[] slots = filled(64);
  private int[] tokens = new int[32];
  private int[] counts = new int[32];
  private int size;

  /** Counts a token {@code by} times; 0 only takes note that it is there. */
  void add(int token, int by) {
    int slot = slot(token);
    if (slots[slot] < 0) {
      if (size == tokens.length) {
        grow();
        slot = slot(token);
      }
      tokens[size] = token;
      slots[slot] = size++;
    }
    counts[slots[slot]] += by;
  }

  /** Different tokens. */
  int size() {
    return size;
  }

  /** The token that was the i-th to occur. */
  int token(int i) {
    return tokens[i];
  }

  /** How often that token was counted. */
  int count(int i) {
    return counts[i];
  }

  private int slot(int token) {
    int mask = slots.length - 1;
    // Fibonacci hashing: neighbouring ids spread over the table.
    int slot = (token * 0x9E3779B9) >>> 7 & mask;
    while (slots[slot] >= 0 && tokens[slots[slot]] != token) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    tokens = Arrays.copyOf(tokens, 2 * size);
    counts = Arrays.copyOf(counts, 2 * size);
    slots = filled(4 * size);
    for (int i = 0; i < size; i++) {
      slots[slot(tokens[i])] = i;
    }
  }

  private static int[] filled(int length) {
    int[] empty = new int[length];
    Arrays.fill(empty, -1);
    return empty;
  }
}
