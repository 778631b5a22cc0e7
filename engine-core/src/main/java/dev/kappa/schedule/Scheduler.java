package dev.kappa.schedule;

import dev.kappa.kv.KvCache;
import dev.kappa.kv.Load;
import dev.kappa.kv.Reservation;
import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.RestoreSplit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Continuous batching: every step takes all decodes, then as many prefill tokens as the token
 * budget leaves, oldest request first. A request whose prefix lies in host memory starts to load it
 * as soon as it is admitted; it joins a step when that step need hardly wait for it. Which request
 * is admitted next, an {@link Admission} says. Not thread-safe.
 *
 * <p><b>No deadlock.</b> A request is admitted with all the blocks that its known tokens need, so
 * no two wait for each other's blocks. A sequence that outgrows the free blocks takes them from the
 * youngest running one, so waits point only to older requests; the oldest can take all others'
 * blocks, and the engine admits no request that does not fit the pool alone. Where blocks that no
 * token sees any more are given back, a sequence takes its blocks as it goes, and if no one can go
 * on, the youngest gives way, too.
 */
public final class Scheduler {

  /** How much longer a step may take for a load that it has to wait for. */
  private static final double STALL_SHARE = 0.02;

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
  private final @Nullable ComputeOrLoad computeOrLoad;
  private final Admission admission;
  private final List<Sequence> impossible = new ArrayList<>();
  private long arrivals;
  private long preemptions;

  /** Whether a sequence has no room for its next token in the plan in the making. */
  private boolean starving;

  /**
   * @param policy in which order waiting sequences are admitted
   * @param restore what becomes of prefixes in host memory
   * @param maxSequences most sequences that hold blocks at a time
   * @param maxBatchedTokens most new tokens in a step, at least {@code maxSequences}
   */
  public Scheduler(
      KvCache cache,
      StepCost cost,
      SchedulePolicy policy,
      RestoreMode restore,
      int maxSequences,
      int maxBatchedTokens) {
    if (maxBatchedTokens < maxSequences) {
      throw new IllegalArgumentException(
          "%d tokens in a step are too few for %d sequences"
              .formatted(maxBatchedTokens, maxSequences));
    }
    this.cache = cache;
    this.cost = cost;
    overlap = restore != RestoreMode.LOAD_WHOLE;
    computeOrLoad =
        restore == RestoreMode.AUTO ? new ComputeOrLoad(cache, cost, maxBatchedTokens) : null;
    this.maxSequences = maxSequences;
    this.maxBatchedTokens = maxBatchedTokens;
    longSequence = new LongSequence(cache, cost, maxBatchedTokens);
    admission =
        switch (policy) {
          case KAPPA -> new KappaAdmission(this, cache);
          case FCFS -> new FcfsAdmission(this, cache);
        };
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

  /**
   * How many of these wait for a prefix that others are producing, as far as the last plan looked;
   * the others wait for their turn and for room.
   */
  public int deferred() {
    return Math.min(admission.deferred(), waiting.size());
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
    Draft draft = new Draft(cost, cache.layout().blockTokens(), now, maxBatchedTokens);
    starving = false;
    planDecodes(draft);
    admission.plan(draft);
    if (starving && draft.isEmpty() && isStuck()) {
      preemptYoungest();
      return plan(now);
    }
    return draft.plan();
  }

  /** Whether nothing that is under way will free a block. */
  private boolean isStuck() {
    return running.size() > 1
        && cache.quarantined() == 0
        && running.stream().noneMatch(Sequence::isLoading);
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

  /** Plans every sequence that needs just one token. */
  private void planDecodes(Draft draft) {
    // By index, since the youngest may be preempted from the end of the list meanwhile.
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      if (sequence.remaining() == 1 && !sequence.isLoading() && makeRoom(sequence)) {
        passGap(sequence);
        draft.addDecode(sequence);
      }
    }
  }

  /** Plans running sequences by age: those that are chosen, as far as the step has room. */
  void planPrefills(Draft draft, Predicate<Sequence> chosen) {
    for (Sequence sequence : running) {
      // A decode that has no room sits this step out.
      boolean unplanned = sequence.remaining() > 0 && !draft.has(sequence);
      if (draft.budget() > 0 && unplanned && chosen.test(sequence) && hasRoom(draft, sequence)) {
        planPrefill(draft, sequence);
      }
    }
  }

  /** Grows a sequence as far as its next tokens need; returns whether there is room for any. */
  private boolean hasRoom(Draft draft, Sequence sequence) {
    if (!cache.windows().everywhere()) {
      return cache.grow(sequence.blocks(), sequence.length());
    }
    int wanted = Math.min(sequence.length(), sequence.next() + draft.budget());
    cache.growTowards(sequence.blocks(), wanted);
    boolean hasRoom = draft.room(sequence) > 0;
    starving |= !hasRoom;
    return hasRoom;
  }

  /** Plans what a running sequence can compute now. */
  void planPrefill(Draft draft, Sequence sequence) {
    Load load = sequence.blocks().load();
    if (sequence.head() > 0) {
      // Once the load is there, only the head keeps the sequence from its first token.
      draft.addHead(sequence, load != null && !load.isComplete());
      return;
    }
    if (load == null || load.isJoined() || join(draft, sequence, load)) {
      passGap(sequence);
      draft.add(sequence);
    }
  }

  /** Goes on behind what was loaded, if that is what comes next. */
  private void passGap(Sequence sequence) {
    if (sequence.passGap()) {
      cache.resume(sequence.blocks(), sequence.computed());
    }
  }

  /** Makes the step wait for a load, if that costs little; otherwise notes when it may. */
  private boolean join(Draft draft, Sequence sequence, Load load) {
    long step = draft.nanosWith(sequence);
    long stall = load.stallNanos(step);
    if (overlap ? stall <= STALL_SHARE * step : load.isComplete()) {
      // One that was refused has failed by the next plan.
      boolean joined = load.join(stall);
      if (joined) {
        draft.await(load);
      }
      return joined;
    }
    long tolerable = overlap ? draft.now() + stall - (long) (STALL_SHARE * step) : Long.MAX_VALUE;
    draft.again(Math.min(tolerable, load.giveUpNanos()));
    return false;
  }

  /** Grows a sequence to its length; returns false if it has to sit out or give way itself. */
  private boolean makeRoom(Sequence sequence) {
    while (!cache.grow(sequence.blocks(), sequence.length())) {
      if (cache.quarantined() > 0) {
        // Blocks come free without anyone's loss.
        return false;
      }
      if (preemptYoungest() == sequence) {
        return false;
      }
    }
    return true;
  }

  private Sequence preemptYoungest() {
    Sequence youngest = running.removeLast();
    cache.release(youngest.blocks());
    youngest.preempted();
    preemptions++;
    waiting.add(youngest);
    return youngest;
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
   * Tokens that a sequence gets blocks for: one block more, so that its first decodes have room.
   */
  int capacity(Sequence sequence) {
    int length = sequence.length();
    return Math.clamp(sequence.maxLength(), length, length + cache.layout().blockTokens());
  }

  /**
   * Gives a waiting sequence its blocks and lets it run.
   *
   * @param deviceNanos how long the device is busy with what comes before it
   * @return whether there were enough blocks
   */
  boolean start(Draft draft, Sequence sequence, long deviceNanos) {
    RestoreSplit split =
        computeOrLoad == null
            ? RestoreSplit.LOAD_ALL
            : (start, end, resume) ->
                computeOrLoad.recompute(draft, deviceNanos, sequence, start, end, resume);
    Reservation reservation =
        cache.reserve(
            sequence.blocks(),
            sequence.tokens(),
            sequence.length(),
            capacity(sequence),
            maxBatchedTokens,
            sequence.prefixUse(),
            split);
    if (reservation == null) {
      return false;
    }
    sequence.admitted(reservation);
    waiting.remove(sequence);
    place(sequence);
    return true;
  }

  /** Waiting sequences, oldest first, from the one behind a given one on. */
  @Nullable Sequence waitingBehind(@Nullable Sequence other) {
    if (other != null) {
      return waiting.higher(other);
    }
    return waiting.isEmpty() ? null : waiting.first();
  }

  /** How long the device would take to compute what the running sequences still lack. */
  long deviceNanos(Draft draft) {
    long sum = cost.nanos(draft.work()) - cost.nanos(draft.decodes());
    for (Sequence sequence : running) {
      // What is behind a load is computed when that has come, not before those that come now.
      int count = sequence.isLoading() ? sequence.head() : sequence.remaining();
      if (count > 1) {
        sum += deviceNanos(sequence.computed(), count);
      }
    }
    return sum;
  }

  /** How long the device would take for consecutive tokens of one sequence. */
  long deviceNanos(int start, int count) {
    return cost.nanos(start, count, maxBatchedTokens);
  }

  /** Puts a sequence among the running ones, by age. */
  void place(Sequence sequence) {
    int at = running.size();
    while (at > 0 && running.get(at - 1).arrival() > sequence.arrival()) {
      at--;
    }
    running.add(at, sequence);
  }

  /** How many more sequences may hold blocks. */
  int places() {
    return maxSequences - running.size();
  }

  /**
   * Deals with a waiting sequence that exceeds the device: of them, one runs at a time.
   *
   * @param mayStart whether it may be given blocks now
   * @return whether those behind it may go on
   */
  boolean passLong(Sequence sequence, boolean mayStart) {
    // The place that they all wait for is no one else's; its blocks are.
    if (cache.longContexts().isTooLong(sequence.maxLength())) {
      impossible.add(sequence);
    } else if (longSequence.isTaken()) {
      return true;
    } else if (!mayStart || !longSequence.admit(sequence)) {
      return false;
    }
    waiting.remove(sequence);
    return true;
  }

  boolean isLong(Sequence sequence) {
    return mostBlocks(sequence.maxLength()) > cache.pool().total();
  }

  /** Most blocks that a sequence of so many tokens holds at a time. */
  int mostBlocks(int tokens) {
    return cache.windows().mostBlocks(tokens, maxBatchedTokens);
  }

  /** Tokens that a sequence gets blocks for at first, those before its prefix's end included. */
  int room(Sequence sequence, int cached) {
    return cache.windows().room(capacity(sequence), cached, maxBatchedTokens);
  }
}
