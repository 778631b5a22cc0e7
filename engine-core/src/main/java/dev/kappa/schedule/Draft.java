package dev.kappa.schedule;

import dev.kappa.kv.Load;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A plan in the making. Not thread-safe. */
final class Draft {

  /** How much longer a step with decodes may take for tokens that could be loaded instead. */
  private static final double DECODE_SHARE = 0.04;

  private final StepCost cost;
  private final int blockTokens;
  private final List<StepPlan.Chunk> chunks = new ArrayList<>();
  private final Set<Sequence> planned = new HashSet<>();
  private final List<Load> loads = new ArrayList<>();
  private final long now;
  private int budget;
  private StepWork work;
  private StepWork decodes;
  private long again = Long.MAX_VALUE;

  /**
   * @param blockTokens tokens that a block holds
   * @param now by the device's clock
   * @param budget most tokens of the step
   */
  Draft(StepCost cost, int blockTokens, long now, int budget) {
    this.cost = cost;
    this.blockTokens = blockTokens;
    this.now = now;
    this.budget = budget;
    work = cost.nothing();
    decodes = work;
  }

  long now() {
    return now;
  }

  /** Tokens that the step still has room for. */
  int budget() {
    return budget;
  }

  boolean isEmpty() {
    return chunks.isEmpty();
  }

  /** Whether some of a sequence's tokens are in it. */
  boolean has(Sequence sequence) {
    return planned.contains(sequence);
  }

  /** What is in it so far. */
  StepWork work() {
    return work;
  }

  /** What of it are decodes. */
  StepWork decodes() {
    return decodes;
  }

  void addDecode(Sequence sequence) {
    add(sequence, 1);
    decodes = work;
  }

  /** Adds as many of a sequence's next tokens as there is room for. */
  void add(Sequence sequence) {
    add(sequence, count(sequence));
  }

  /**
   * Adds tokens that could have been loaded instead: only so many that the step is soon over.
   *
   * @param unnoticed whether decodes may not notice it either
   */
  void addHead(Sequence sequence, boolean unnoticed) {
    int start = sequence.computed();
    long others = work.rows() - decodes.rows();
    int most = (int) Math.clamp(cost.efficientRows(start, budget) - others, 0, sequence.head());
    int count = unnoticed && decodes.rows() > 0 ? unnoticed(work, start, most) : most;
    if (count > 0) {
      add(sequence, count);
    }
  }

  /** The step waits for a load. */
  void await(Load load) {
    loads.add(load);
  }

  /** Plans again at that time at the latest. */
  void again(long nanos) {
    again = Math.min(again, nanos);
  }

  /** How long the step would take with a sequence's next tokens in it. */
  long nanosWith(Sequence sequence) {
    return cost.nanos(work.plus(sequence.next(), count(sequence)));
  }

  /**
   * Most tokens from a position on that a step can take without its decodes noticing.
   *
   * @param other what is in the step besides
   */
  int unnoticed(StepWork other, int start, int most) {
    long limit = (long) ((1 + DECODE_SHARE) * cost.nanos(decodes));
    int fits = 0;
    int over = most + 1;
    while (over - fits > 1) {
      int middle = (fits + over) >>> 1;
      if (cost.nanos(other.plus(start, middle)) <= limit) {
        fits = middle;
      } else {
        over = middle;
      }
    }
    return fits;
  }

  StepPlan plan() {
    return new StepPlan(chunks, loads, work, again);
  }

  /** Tokens from the next on that a sequence has blocks for. */
  int room(Sequence sequence) {
    return sequence.blocks().size() * blockTokens - sequence.next();
  }

  private int count(Sequence sequence) {
    int head = sequence.head();
    int wanted = Math.min(budget, head > 0 ? head : sequence.remaining());
    return Math.min(wanted, room(sequence));
  }

  private void add(Sequence sequence, int count) {
    chunks.add(new StepPlan.Chunk(sequence, sequence.computed(), count));
    planned.add(sequence);
    work = work.plus(sequence.computed(), count);
    budget -= count;
    sequence.advance(count);
  }
}
