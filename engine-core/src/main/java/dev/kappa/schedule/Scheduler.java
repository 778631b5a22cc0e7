package dev.kappa.schedule;

import dev.kappa.kv.KvCache;
import dev.kappa.kv.Load;
import dev.kappa.kv.PrefixUse;
import dev.kappa.kv.Reservation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.TreeSet;

/**
 * First come, first served, with continuous batching: every step takes all decodes, then as many
 * prefill tokens as the token budget leaves, oldest request first. A request whose prefix lies in
 * host memory starts to load it as soon as it is admitted; it joins a step when that step need
 * hardly wait for it. Not thread-safe.
 *
 * <p><b>No deadlock.</b> A request is admitted with all the blocks that its known tokens need, in
 * order of arrival, so no two wait for each other's blocks. A sequence that outgrows the free
 * blocks takes them from the youngest running one, so waits point only to older requests; the
 * oldest can take all others' blocks, and the engine admits no request that does not fit the pool
 * alone.
 */
public final class Scheduler {

  /** How much longer a step may take for a load that it has to wait for. */
  private static final double STALL_SHARE = 0.02;

  /** Waiting sequences that may be passed by one that starts to load. */
  private static final int LOOK_AHEAD = 8;

  private final KvCache cache;
  private final StepCost cost;
  private final boolean overlap;
  private final int maxSequences;
  private final int maxBatchedTokens;

  /** Oldest first. */
  private final List<Sequence> running = new ArrayList<>();

  /** Oldest first; preempted sequences return to their place. */
  private final TreeSet<Sequence> waiting =
      new TreeSet<>(Comparator.comparingLong(Sequence::arrival));

  private final LongSequence longSequence;
  private final List<Sequence> impossible = new ArrayList<>();
  private long arrivals;
  private long preemptions;

  /**
   * @param overlap whether a sequence may join a step before its load is complete
   * @param maxSequences most sequences that hold blocks at a time
   * @param maxBatchedTokens most new tokens in a step, at least {@code maxSequences}
   */
  public Scheduler(
      KvCache cache, StepCost cost, boolean overlap, int maxSequences, int maxBatchedTokens) {
    if (maxBatchedTokens < maxSequences) {
      throw new IllegalArgumentException(
          "%d tokens in a step are too few for %d sequences"
              .formatted(maxBatchedTokens, maxSequences));
    }
    this.cache = cache;
    this.cost = cost;
    this.overlap = overlap;
    this.maxSequences = maxSequences;
    this.maxBatchedTokens = maxBatchedTokens;
    longSequence = new LongSequence(cache, cost, maxBatchedTokens);
  }

  /** The one sequence that exceeds the device. */
  public LongSequence longSequence() {
    return longSequence;
  }

  /** Queues a new sequence behind all others. */
  public void add(Sequence sequence) {
    sequence.arrived(arrivals++);
    waiting.add(sequence);
  }

  /** Forgets a sequence, wherever it stands, and gives its blocks back. */
  public void remove(Sequence sequence) {
    if (longSequence.remove(sequence)) {
      return;
    }
    if (running.remove(sequence)) {
      cache.release(sequence.blocks());
    } else {
      waiting.remove(sequence);
    }
  }

  /** Sequences that hold blocks. */
  public int running() {
    return running.size() + (longSequence.isRunning() ? 1 : 0);
  }

  /** Sequences that wait for blocks. */
  public int waiting() {
    return waiting.size();
  }

  /** Sequences that lost their blocks to others, since the start. */
  public long preemptions() {
    return preemptions;
  }

  /**
   * Chooses the next step's work, with blocks reserved for all of it; sequences count as computed
   * up to the end of their chunks.
   *
   * @param now by the device's clock
   */
  public StepPlan plan(long now) {
    giveUpLoads(now);
    Draft draft = new Draft(now);
    planDecodes(draft);
    // One that began to load while others were before it in the queue is after them here, too.
    long firstWaiting = firstWaiting();
    planPrefills(draft, 0, firstWaiting);
    admit(draft);
    planPrefills(draft, firstWaiting, Long.MAX_VALUE);
    return new StepPlan(draft.chunks, draft.loads, draft.work, draft.again);
  }

  /** Sequences that can never go on, for lack of host memory; they are forgotten here. */
  public List<Sequence> takeImpossible() {
    Sequence failed = longSequence.failed();
    if (failed != null) {
      impossible.add(failed);
    }
    List<Sequence> taken = List.copyOf(impossible);
    impossible.clear();
    return taken;
  }

  /** Makes the blocks that a finished step filled findable. */
  public void publish(StepPlan plan) {
    for (StepPlan.Chunk chunk : plan.chunks()) {
      Sequence sequence = chunk.sequence();
      if (sequence.blocks().size() > 0) {
        cache.publish(sequence.blocks(), sequence.tokens(), sequence.computed());
      }
    }
  }

  /** A plan in the making. */
  private final class Draft {
    final long now;
    final List<StepPlan.Chunk> chunks = new ArrayList<>();
    final List<Load> loads = new ArrayList<>();
    int budget = maxBatchedTokens;
    StepWork work = cost.nothing();
    long again = Long.MAX_VALUE;

    Draft(long now) {
      this.now = now;
    }

    void add(Sequence sequence) {
      int count = count(sequence);
      chunks.add(new StepPlan.Chunk(sequence, sequence.computed(), count));
      work = work.plus(sequence.computed(), count);
      budget -= count;
      sequence.advance(count);
    }

    int count(Sequence sequence) {
      return Math.min(budget, remaining(sequence));
    }

    /** How long the step would take with a sequence's chunk in it. */
    long nanosWith(Sequence sequence) {
      return cost.nanos(work.plus(sequence.computed(), count(sequence)));
    }
  }

  /** Plans every sequence that needs just one token. */
  private void planDecodes(Draft draft) {
    // By index, since the youngest may be preempted from the end of the list meanwhile.
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      if (remaining(sequence) == 1 && !sequence.isLoading() && makeRoom(sequence)) {
        draft.add(sequence);
      }
    }
  }

  /** When the first of those arrived whose turn it is to be admitted. */
  private long firstWaiting() {
    for (Sequence sequence : waiting) {
      if (!isLong(sequence)) {
        return sequence.arrival();
      }
    }
    return Long.MAX_VALUE;
  }

  /** Plans running sequences by age, those that arrived from one on and before another. */
  private void planPrefills(Draft draft, long from, long to) {
    for (Sequence sequence : running) {
      boolean counts = sequence.arrival() >= from && sequence.arrival() < to;
      // A decode that has no room sits this step out.
      boolean unplanned = remaining(sequence) > 0;
      if (counts
          && draft.budget > 0
          && unplanned
          && cache.grow(sequence.blocks(), sequence.length())) {
        planPrefill(draft, sequence);
      }
    }
  }

  private void planPrefill(Draft draft, Sequence sequence) {
    Load load = sequence.blocks().load();
    if (load == null || load.isJoined()) {
      draft.add(sequence);
      return;
    }
    long step = draft.nanosWith(sequence);
    long stall = load.stallNanos(step);
    if (overlap ? stall <= STALL_SHARE * step : load.isComplete()) {
      // One that was refused has failed by the next plan.
      if (load.join(stall)) {
        draft.loads.add(load);
        draft.add(sequence);
      }
    } else {
      long tolerable = overlap ? draft.now + stall - (long) (STALL_SHARE * step) : Long.MAX_VALUE;
      draft.again = Math.min(draft.again, Math.min(tolerable, load.giveUpNanos()));
    }
  }

  /** Grows a sequence to its length; returns false if it has to sit out or give way itself. */
  private boolean makeRoom(Sequence sequence) {
    while (!cache.grow(sequence.blocks(), sequence.length())) {
      if (cache.quarantined() > 0) {
        // Blocks come free without anyone's loss.
        return false;
      }
      Sequence youngest = running.removeLast();
      cache.release(youngest.blocks());
      youngest.preempted();
      preemptions++;
      waiting.add(youngest);
      if (youngest == sequence) {
        return false;
      }
    }
    return true;
  }

  /** Sends sequences whose load failed or is overdue back to the front of the queue. */
  private void giveUpLoads(long now) {
    for (int i = running.size() - 1; i >= 0; i--) {
      Sequence sequence = running.get(i);
      Load load = sequence.blocks().load();
      if (load != null && !load.isJoined() && (load.hasFailed() || now >= load.giveUpNanos())) {
        running.remove(i);
        cache.giveUpLoad(sequence.blocks());
        sequence.loadFailed();
        waiting.add(sequence);
      }
    }
  }

  /**
   * Admits waiting sequences in order while the step has room for their tokens. One that has to
   * wait for its turn starts to load what host memory has of it, if that takes no block from those
   * before it.
   */
  private void admit(Draft draft) {
    int passed = 0;
    int claimed = 0;
    Iterator<Sequence> queue = waiting.iterator();
    while (queue.hasNext()) {
      Sequence sequence = queue.next();
      if (isLong(sequence)) {
        // The place that they all wait for is no one else's; its blocks are.
        if (cache.longContexts().isTooLong(sequence.maxLength())) {
          impossible.add(sequence);
        } else if (longSequence.isTaken()) {
          continue;
        } else if (passed > 0 || !longSequence.admit(sequence)) {
          return;
        }
        queue.remove();
        continue;
      }
      if (running.size() + passed >= maxSequences || passed > LOOK_AHEAD) {
        return;
      }
      boolean inTurn = passed == 0 && draft.budget > 0;
      int needed = cache.layout().blocksFor(capacity(sequence));
      boolean fits = needed <= cache.pool().free() - claimed;
      if ((inTurn || (fits && wouldLoad(sequence))) && reserve(sequence)) {
        queue.remove();
        place(sequence);
        if (inTurn) {
          planPrefill(draft, sequence);
        }
      } else {
        passed++;
        claimed += needed;
      }
    }
  }

  /**
   * Tokens that a sequence gets blocks for: one block more, so that its first decodes have room.
   */
  private int capacity(Sequence sequence) {
    int length = sequence.length();
    return Math.clamp(sequence.maxLength(), length, length + cache.layout().blockTokens());
  }

  private boolean wouldLoad(Sequence sequence) {
    return sequence.prefixUse() == PrefixUse.ALL
        && cache.wouldLoad(sequence.blocks(), sequence.tokens(), sequence.length());
  }

  private boolean reserve(Sequence sequence) {
    Reservation reservation =
        cache.reserve(
            sequence.blocks(),
            sequence.tokens(),
            sequence.length(),
            capacity(sequence),
            sequence.prefixUse());
    if (reservation != null) {
      sequence.admitted(reservation);
    }
    return reservation != null;
  }

  /** Puts a sequence among the running ones, by age. */
  private void place(Sequence sequence) {
    int at = running.size();
    while (at > 0 && running.get(at - 1).arrival() > sequence.arrival()) {
      at--;
    }
    running.add(at, sequence);
  }

  private boolean isLong(Sequence sequence) {
    return cache.layout().blocksFor(sequence.maxLength()) > cache.pool().total();
  }

  private static int remaining(Sequence sequence) {
    return sequence.length() - sequence.computed();
  }
}
