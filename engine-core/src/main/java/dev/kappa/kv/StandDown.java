package dev.kappa.kv;

/**
 * Whether storing is worth anything at present. Each computed block that no one had asked for
 * before counts against it, each block that was read back, or could have been, pays for {@value
 * #PAYS_FOR} of them. Once as many as host memory holds are unpaid, all of it has been written
 * without use, and storing stands down; it is taken up again when half of that is paid. Not
 * thread-safe.
 */
final class StandDown {

  /**
   * Restoring a block saves computing it, which takes 10 to 60 times as long as its copy (κ_crit);
   * but storing is not the only cost of keeping it.
   */
  static final int PAYS_FOR = 100;

  private long unpaid;
  private boolean down;

  /**
   * A block was computed that had not been asked for before.
   *
   * @param blocks that host memory holds
   */
  void computed(int blocks) {
    unpaid = Math.min(unpaid + 1, blocks);
    down |= unpaid == blocks;
  }

  /**
   * Blocks were read from host memory, or computed though they had been asked for before.
   *
   * @param used how many
   * @param blocks that host memory holds
   */
  void used(long used, int blocks) {
    unpaid = Math.max(0, unpaid - used * PAYS_FOR);
    down &= unpaid > blocks / 2;
  }

  boolean isDown() {
    return down;
  }
}
