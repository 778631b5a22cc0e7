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
   * A chunk is at least this part of what lies before it: then its computation takes about as long
   * as reading that from host memory, where the link is such that κ_crit is around 8, the least
   * that arXiv 2601.19910 expects of current machines.
   */
  private static final int HISTORY_PER_CHUNK = 8;

  private final KvCache cache;
  private final int maxBatchedTokens;
  private @Nullable Sequence sequence;
  private boolean inFlight;
  private boolean doomed;

  LongSequence(KvCache cache, int maxBatchedTokens) {
    this.cache = cache;
    this.maxBatchedTokens = maxBatchedTokens;
  }

  /** Most tokens of a step, by the window on the device. */
  public static int maxChunk(LongContexts contexts, int maxBatchedTokens) {
    return Math.min(contexts.windowTokens(), 4 * maxBatchedTokens);
  }

  boolean isTaken() {
    return sequence != null;
  }

  boolean isRunning() {
    return sequence != null && !doomed;
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
    int wanted = Math.max(maxBatchedTokens, current.computed() / HISTORY_PER_CHUNK);
    int most = Math.min(room, maxChunk(contexts, maxBatchedTokens));
    int count = Math.min(current.length() - current.computed(), Math.min(wanted, most));
    if (count == 0) {
      return null;
    }
    StepPlan plan = new StepPlan(List.of(new StepPlan.Chunk(current, current.computed(), count)));
    current.advance(count);
    inFlight = true;
    return plan;
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
