package dev.kappa.schedule;

import dev.kappa.kv.KvCache;
import dev.kappa.kv.LongContexts;
import dev.kappa.kv.PrefixUse;
import dev.kappa.kv.Reservation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The place of the one sequence at a time that exceeds the device. Its steps run beside the others'
 * and are planned one by one. Owned by the {@link Scheduler}; not thread-safe.
 */
public final class LongSequence {

  /**
   * A chunk is at least this part of what lies before it, so that a whole prompt reads its KV about
   * this many times at most, and the link has time for others. It is also what makes computing take
   * about as long as reading where κ_crit is around 8, the least that arXiv 2601.19910 expects of
   * current machines.
   */
  private static final int HISTORY_PER_CHUNK = 8;

  /** Chunks are made longer by one part in so many until computing them takes long enough. */
  private static final int GROWTH = 4;

  /** A chunk may be this much longer than others' steps, since nobody waits for it. */
  private static final int STEPS_PER_CHUNK = 4;

  private final KvCache cache;
  private final StepCost cost;
  private final int maxBatchedTokens;
  private @Nullable Sequence sequence;
  private boolean inFlight;
  private boolean doomed;

  LongSequence(KvCache cache, StepCost cost, int maxBatchedTokens) {
    this.cache = cache;
    this.cost = cost;
    this.maxBatchedTokens = maxBatchedTokens;
  }

  /** Most tokens of a step, by the window on the device. */
  public static int maxChunk(LongContexts contexts, int maxBatchedTokens) {
    return Math.min(contexts.windowTokens(), maxChunk(maxBatchedTokens));
  }

  /** Most tokens of a step, whatever the window. */
  public static int maxChunk(int maxBatchedTokens) {
    return STEPS_PER_CHUNK * maxBatchedTokens;
  }

  boolean isTaken() {
    return sequence != null;
  }

  boolean isRunning() {
    return sequence != null && !doomed;
  }

  /** Whether the sequence leaves as soon as no step uses its blocks. */
  public boolean isDoomed() {
    return doomed;
  }

  boolean is(Sequence other) {
    return sequence == other;
  }

  /** Gives the free place to a sequence, if there are blocks for it. */
  boolean admit(Sequence candidate) {
    LongContexts contexts = cache.longContexts();
    boolean all = candidate.prefixUse() == PrefixUse.ALL;
    Reservation reservation =
        contexts.reserve(
            candidate.blocks(),
            candidate.tokens(),
            candidate.length(),
            candidate.maxLength(),
            all ? PrefixUse.ALL : PrefixUse.NONE);
    if (reservation == null) {
      return false;
    }
    candidate.admitted(reservation);
    sequence = candidate;
    return true;
  }

  /** Plans the next step; null if there is none yet, or one is in flight. */
  public @Nullable StepPlan plan() {
    Sequence current = sequence;
    if (current == null || inFlight) {
      return null;
    }
    LongContexts contexts = cache.longContexts();
    int room = contexts.advance(current.blocks(), current.computed());
    int most = Math.min(room, maxChunk(contexts, maxBatchedTokens));
    int count = Math.min(current.length() - current.computed(), Math.min(wanted(current), most));
    if (count == 0) {
      return null;
    }
    StepPlan plan = new StepPlan(List.of(new StepPlan.Chunk(current, current.computed(), count)));
    current.advance(count);
    inFlight = true;
    return plan;
  }

  /**
   * Tokens of a chunk whose attention to what lies before it takes as long as reading that: with
   * fewer, the device would wait for the link. The rest of a step does not count, since the buffers
   * hold little of what is read meanwhile.
   */
  private int wanted(Sequence current) {
    long read = cache.longContexts().readNanos(current.blocks(), current.computed());
    int count = Math.max(maxBatchedTokens, current.computed() / HISTORY_PER_CHUNK);
    int left = current.length() - current.computed();
    while (count < left && isShorter(current.computed(), count, read)) {
      count += Math.max(1, count / GROWTH);
    }
    return count;
  }

  private boolean isShorter(int start, int count, long nanos) {
    long step = cost.nanos(cost.nothing().plus(start, count));
    long attention = step - cost.nanos(cost.nothing().plus(0, count));
    // What no step has shown yet is not guessed at.
    return step > 0 && attention < nanos;
  }

  /** The step in flight is done. */
  public void finished() {
    inFlight = false;
    Sequence current = sequence;
    if (current != null && doomed) {
      doomed = false;
      sequence = null;
      cache.release(current.blocks());
    } else if (current != null) {
      cache.longContexts().store(current.blocks(), current.tokens(), current.computed());
    }
  }

  /** The sequence, if it cannot go on because its blocks cannot be stored. */
  public @Nullable Sequence failed() {
    Sequence current = sequence;
    boolean failed = current != null && !doomed && cache.longContexts().hasFailed(current.blocks());
    return failed ? current : null;
  }

  /** Forgets the sequence if it is this; its blocks are given back when no step uses them. */
  boolean remove(Sequence other) {
    if (sequence != other) {
      return false;
    }
    if (inFlight) {
      doomed = true;
    } else {
      sequence = null;
      cache.release(other.blocks());
    }
    return true;
  }
}
