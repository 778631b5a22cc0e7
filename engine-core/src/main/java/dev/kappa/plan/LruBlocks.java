package dev.kappa.plan;

import java.util.Arrays;

/**
 * The blocks of a trace that a cache of a given size holds, the least recently used leaving first.
 */
final class LruBlocks {

  private static final int ABSENT = -2;
  private static final int NONE = -1;

  private final int capacity;
  private final int[] newer;
  private final int[] older;
  private int newest = NONE;
  private int oldest = NONE;
  private int size;

  /**
   * @param capacity blocks that it may hold
   * @param blocks different blocks that there are
   */
  LruBlocks(long capacity, int blocks) {
    this.capacity = (int) Math.min(capacity, blocks);
    newer = new int[blocks];
    older = new int[blocks];
    Arrays.fill(newer, ABSENT);
  }

  boolean holds(int block) {
    return newer[block] != ABSENT;
  }

  /**
   * Uses the blocks of a prompt, as the engine does: given back from the last to the first, so that
   * no block leaves before those that were built on it.
   */
  void use(int[] blocks) {
    for (int i = blocks.length - 1; i >= 0; i--) {
      use(blocks[i]);
    }
  }

  private void use(int block) {
    if (capacity == 0) {
      return;
    }
    if (holds(block)) {
      unlink(block);
    } else if (size == capacity) {
      int leaving = oldest;
      unlink(leaving);
      newer[leaving] = ABSENT;
    } else {
      size++;
    }
    older[block] = newest;
    newer[block] = NONE;
    if (newest == NONE) {
      oldest = block;
    } else {
      newer[newest] = block;
    }
    newest = block;
  }

  private void unlink(int block) {
    if (newer[block] == NONE) {
      newest = older[block];
    } else {
      older[newer[block]] = older[block];
    }
    if (older[block] == NONE) {
      oldest = newer[block];
    } else {
      newer[older[block]] = newer[block];
    }
  }
}
