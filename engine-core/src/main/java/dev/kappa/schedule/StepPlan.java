package dev.kappa.schedule;

import java.util.List;

/**
 * What the next step computes.
 *
 * @param chunks at most one per sequence
 */
public record StepPlan(List<Chunk> chunks) {

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
  }
}
