package dev.kappa.schedule;

import dev.kappa.kv.Load;
import java.util.List;

/**
 * What the next step computes.
 *
 * @param chunks at most one per sequence
 * @param loads loads that the step waits for, group by group
 * @param work all chunks together
 * @param again when to plan again at the latest if there is nothing to compute, by the device's
 *     clock
 */
public record StepPlan(List<Chunk> chunks, List<Load> loads, StepWork work, long again) {

  /** A step that waits for nothing. */
  public StepPlan(List<Chunk> chunks) {
    this(chunks, List.of(), StepWork.NONE, Long.MAX_VALUE);
  }

  /** Whether there is nothing to compute. */
  public boolean isEmpty() {
    return chunks.isEmpty();
  }

  /** New tokens in the step. */
  public int rows() {
    return chunks.stream().mapToInt(Chunk::count).sum();
  }

  /**
   * Consecutive tokens of a sequence.
   *
   * @param start position of the first
   * @param count how many; positions before {@code start} have their KV
   */
  public record Chunk(Sequence sequence, int start, int count) {

    /** Whether the chunk ends at the sequence's last token, so that its logits give the next. */
    public boolean reachesEnd() {
      return start + count == sequence.length();
    }

    /** Whether no token of the prompt comes after the chunk. */
    public boolean completesPrompt() {
      return start + count >= sequence.promptLength();
    }
  }
}
