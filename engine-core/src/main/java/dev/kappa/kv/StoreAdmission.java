package dev.kappa.kv;

/**
 * Decides which blocks are worth a place in host memory, from how often which were asked for. A
 * block is asked for when a sequence has it, found or computed, once for each sequence. Confined to
 * the engine thread.
 *
 * <p>Whoever asks for a block asks for all before it, so no block was asked for less often than one
 * behind it: what is refused by count is refused together with all that builds on it.
 */
final class StoreAdmission {

  /** One in so many sequences is stored in any case, even while nothing that is stored is read. */
  static final int SAMPLE = 32;

  private final StorePolicy policy;
  private final HostTier host;
  private final FrequencySketch sketch;
  private final PolicyTrial trial;
  private final StandDown standDown = new StandDown();
  private final boolean counts;
  private long sequences;

  StoreAdmission(StorePolicy policy, HostTier host) {
    this.policy = policy;
    this.host = host;
    counts =
        switch (policy) {
          case ADAPTIVE, FREQUENCY, SELECTIVE -> true;
          case WRITE_THROUGH, WRITE_BACK -> false;
        };
    sketch = new FrequencySketch(counts ? host.pool().limit() : 0);
    trial = new PolicyTrial(policy == StorePolicy.ADAPTIVE ? host.pool().limit() : 1, sketch);
  }

  /** A sequence has blocks that were found, all that it has published. */
  void reused(BlockTable table) {
    if (!counts || table.asked() >= table.published()) {
      return;
    }
    begin(table);
    for (int index = table.asked(); index < table.published(); index++) {
      ask(table.knownKey(index));
      table.asked(index + 1);
    }
  }

  /**
   * A sequence has computed a block.
   *
   * @param anew whether no other block has the same content
   * @return whether the block was asked for before, by another sequence
   */
  boolean computed(BlockTable table, int index, boolean anew) {
    if (!counts) {
      return false;
    }
    BlockKey key = table.knownKey(index);
    if (index < table.asked()) {
      return sketch.count(key) > 1;
    }
    begin(table);
    table.asked(index + 1);
    boolean known = ask(key) > 0;
    if (known && anew) {
      standDown.used(1, host.reachable());
    } else if (!known) {
      standDown.computed(host.reachable());
    }
    return known;
  }

  /** Blocks were read from host memory. */
  void restored(long blocks) {
    standDown.used(blocks, host.reachable());
  }

  /** Whether nothing is stored at present but what was asked for before, and samples. */
  boolean standsDown() {
    return policy == StorePolicy.ADAPTIVE && standDown.isDown();
  }

  /** Whether blocks are stored only over those that were asked for less often. */
  boolean isByFrequency() {
    return switch (policy) {
      case FREQUENCY -> true;
      case ADAPTIVE -> standDown.isDown() || trial.prefersFrequency();
      case WRITE_THROUGH, SELECTIVE, WRITE_BACK -> false;
    };
  }

  /** Whether to store over a victim, where {@link #isByFrequency}. */
  boolean admits(BlockKey key, BlockKey victim) {
    return sketch.count(key) > sketch.count(victim);
  }

  private void begin(BlockTable table) {
    if (table.asked() == 0 && sequences++ % SAMPLE == 0) {
      table.sample();
    }
  }

  private int ask(BlockKey key) {
    int before = sketch.add(key);
    if (policy == StorePolicy.ADAPTIVE) {
      trial.asked(key);
    }
    return before;
  }
}
