package dev.kappa.kv;

/**
 * Finds out whether a full cache does better by storing everything or by storing what was asked for
 * more often than what would have to go: two models of the cache, smaller by a factor and without
 * bytes, see every so many-th key and are compared by what they find (miniature simulation:
 * Waldspurger, Saemundsson, Ahmad and Park, ATC '17). Not thread-safe.
 */
final class PolicyTrial {

  /** Blocks of a model; fewer say less, more cost more. */
  private static final int MODEL_BLOCKS = 250;

  /** How many times a model's size is looked back at. */
  private static final int HORIZON = 2;

  /** The better policy has to find so much more, as a share of what is looked back at. */
  private static final double MARGIN = 0.005;

  private final FrequencySketch sketch;
  private final int oneOf;
  private final BlockPool recent;
  private final BlockPool frequent;
  private final double decay;
  private final double margin;
  private double lead;
  private boolean prefersFrequency;

  /**
   * @param blocks of the cache
   * @param sketch counts what is asked for
   */
  PolicyTrial(int blocks, FrequencySketch sketch) {
    this.sketch = sketch;
    oneOf = Math.max(1, blocks / MODEL_BLOCKS);
    int size = Math.max(1, blocks / oneOf);
    recent = new BlockPool(size);
    frequent = new BlockPool(size);
    decay = 1 - 1.0 / (HORIZON * size);
    margin = Math.max(1, MARGIN * HORIZON * size);
  }

  /** A key was asked for, and its asking counted. */
  void asked(BlockKey key) {
    // A word that neither the sketch nor a hash table uses.
    if ((key.second() >>> 1) % oneOf != 0) {
      return;
    }
    int found = find(frequent, key, true) - find(recent, key, false);
    lead = lead * decay + found;
    if (Math.abs(lead) > margin) {
      prefersFrequency = lead > 0;
    }
  }

  /** Whether a block is better stored only over one that was asked for less often. */
  boolean prefersFrequency() {
    return prefersFrequency;
  }

  /** Returns 1 if the key is there; otherwise stores it, if that is what the policy says. */
  private int find(BlockPool model, BlockKey key, boolean byFrequency) {
    int block = model.hold(key);
    if (block >= 0) {
      model.release(block);
      return 1;
    }
    BlockKey victim = model.nextAllocated();
    if (victim == null || !byFrequency || sketch.count(key) > sketch.count(victim)) {
      block = model.allocate();
      model.publish(block, key);
      model.release(block);
    }
    return 0;
  }
}
