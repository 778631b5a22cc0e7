package dev.kappa.schedule;

/**
 * What a step computes, as far as its time depends on it.
 *
 * @param rows new tokens
 * @param pairs pairs of a new token and one that it sees, in the mean of all layers
 * @param context tokens that are looked at in all sequences, old and new, in the mean of all layers
 * @param reach how far back each of them looks
 */
public record StepWork(long rows, double pairs, double context, Reach reach) {

  /** No work, in a model whose layers see everything. */
  public static final StepWork NONE = none(Reach.ALL);

  /** No work. */
  public static StepWork none(Reach reach) {
    return new StepWork(0, 0, 0, reach);
  }

  /**
   * This and consecutive tokens of one more sequence.
   *
   * @param start position of the first
   */
  public StepWork plus(int start, int count) {
    return new StepWork(
        rows + count,
        pairs + reach.pairs(start, count),
        context + reach.context(start, count),
        reach);
  }
}
