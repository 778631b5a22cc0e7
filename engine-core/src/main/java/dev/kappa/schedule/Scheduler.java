package dev.kappa.schedule;

import dev.kappa.kv.KvCache;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * First come, first served, with continuous batching: every step takes all decodes, then as many
 * prefill tokens as the token budget leaves, oldest request first. Not thread-safe.
 *
 * <p><b>No deadlock.</b> A sequence that outgrows the free blocks takes them from the youngest
 * running one, so waits point only to older requests; the oldest can take all others' blocks, and
 * the engine admits no request that does not fit the pool alone.
 */
public final class Scheduler {

  private final KvCache cache;
  private final int maxSequences;
  private final int maxBatchedTokens;

  /** Oldest first. */
  private final List<Sequence> running = new ArrayList<>();

  /** Oldest first; preempted sequences return to the front. */
  private final Deque<Sequence> waiting = new ArrayDeque<>();

  private long preemptions;

  /**
   * @param maxSequences most sequences that hold blocks at a time
   * @param maxBatchedTokens most new tokens in a step, at least {@code maxSequences}
   */
  public Scheduler(KvCache cache, int maxSequences, int maxBatchedTokens) {
    if (maxBatchedTokens < maxSequences) {
      throw new IllegalArgumentException(
          "%d tokens in a step are too few for %d sequences"
              .formatted(maxBatchedTokens, maxSequences));
    }
    this.cache = cache;
    this.maxSequences = maxSequences;
    this.maxBatchedTokens = maxBatchedTokens;
  }

  /** Queues a new sequence behind all others. */
  public void add(Sequence sequence) {
    waiting.addLast(sequence);
  }

  /** Forgets a sequence, wherever it stands, and gives its blocks back. */
  public void remove(Sequence sequence) {
    if (running.remove(sequence)) {
      cache.release(sequence.blocks());
    } else {
      waiting.remove(sequence);
    }
  }

  /** Sequences that hold blocks. */
  public int running() {
    return running.size();
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
   */
  public StepPlan plan() {
    List<StepPlan.Chunk> chunks = new ArrayList<>();
    int budget = maxBatchedTokens - planDecodes(chunks);
    for (Sequence sequence : running) {
      if (budget > 0 && remaining(sequence) > 1) {
        budget -= addChunk(chunks, sequence, budget);
      }
    }
    while (budget > 0 && running.size() < maxSequences && !waiting.isEmpty()) {
      if (!admit(waiting.peekFirst())) {
        break;
      }
      Sequence sequence = waiting.removeFirst();
      running.add(sequence);
      budget -= addChunk(chunks, sequence, budget);
    }
    return new StepPlan(chunks);
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

  /** Plans every sequence that needs just one token; returns how many. */
  private int planDecodes(List<StepPlan.Chunk> chunks) {
    int planned = 0;
    // By index, since the youngest may be preempted from the end of the list meanwhile.
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      if (remaining(sequence) == 1 && makeRoom(sequence)) {
        planned += addChunk(chunks, sequence, 1);
      }
    }
    return planned;
  }

  /** Grows a sequence to its length; returns false if it had to give way itself. */
  private boolean makeRoom(Sequence sequence) {
    while (!cache.grow(sequence.blocks(), sequence.length())) {
      Sequence youngest = running.removeLast();
      cache.release(youngest.blocks());
      youngest.preempted();
      preemptions++;
      waiting.addFirst(youngest);
      if (youngest == sequence) {
        return false;
      }
    }
    return true;
  }

  /**
   * Reserves a sequence's known tokens and one block more, so that its first decodes need not
   * preempt anyone.
   */
  private boolean admit(Sequence sequence) {
    int blockTokens = cache.layout().blockTokens();
    int capacity = Math.min(sequence.maxLength(), sequence.length() + blockTokens);
    int cached =
        cache.reserve(
            sequence.blocks(),
            sequence.tokens(),
            sequence.length(),
            Math.max(sequence.length(), capacity),
            !sequence.allPromptLogits());
    if (cached >= 0) {
      sequence.admitted(cached);
    }
    return cached >= 0;
  }

  private static int addChunk(List<StepPlan.Chunk> chunks, Sequence sequence, int budget) {
    int count = Math.min(budget, remaining(sequence));
    chunks.add(new StepPlan.Chunk(sequence, sequence.computed(), count));
    sequence.advance(count);
    return count;
  }

  private static int remaining(Sequence sequence) {
    return sequence.length() - sequence.computed();
  }
}
