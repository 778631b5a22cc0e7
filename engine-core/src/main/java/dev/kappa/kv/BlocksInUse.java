package dev.kappa.kv;

/** Counts the blocks that are in use, each once, however often it is. Not thread-safe. */
final class BlocksInUse {

  private final int[] uses;
  private int blocks;

  /**
   * @param limit blocks that there may be
   */
  BlocksInUse(int limit) {
    uses = new int[limit];
  }

  void begin(int block) {
    if (uses[block]++ == 0) {
      blocks++;
    }
  }

  void end(int block) {
    if (--uses[block] == 0) {
      blocks--;
    }
  }

  /** How many blocks are in use. */
  int count() {
    return blocks;
  }
}
