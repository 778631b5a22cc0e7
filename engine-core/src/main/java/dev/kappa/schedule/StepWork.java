package dev.kappa.schedule;

/**
 * What a step computes, as far as its time depends on it.
 *
 * @param rows new tokens
 * @param pairs pairs of a new token and one that it sees
 * @param context tokens of all sequences, old and new
 */
public record StepWork(long rows, double pairs, long context) {

  /** No work. */
  public static final StepWork NONE = new StepWork(0, 0, 0);

  /**
   * This and consecutive tokens of one more sequence.
   *
   * @param start position of the first
   */
  public StepWork plus(int start, int count) {
    double seen = count * (start + (count + 1) / 2.0);
    return new StepWork(rows + count, pairs + seen, context + start + count);
  }
}
