package dev.kappa.schedule;

/**
 * How long a step takes, as a fixed part and a part by arithmetic, learned from the steps that ran:
 * a linear regression in which older steps count less and less. Not thread-safe.
 */
public final class StepCost {

  /** What a step's weight shrinks to with every further one. */
  private static final double MEMORY = 0.95;

  private final double flopsPerToken;
  private final double flopsPerPair;

  private double weight;
  private double sumX;
  private double sumY;
  private double sumXx;
  private double sumXy;

  /**
   * @param flopsPerToken operations of a token besides attention: twice the parameters
   * @param flopsPerPair operations of a token's attention to one token: {@code 4 · layers · heads ·
   *     headDim}
   */
  public StepCost(double flopsPerToken, double flopsPerPair) {
    this.flopsPerToken = flopsPerToken;
    this.flopsPerPair = flopsPerPair;
  }

  /**
   * Operations of consecutive tokens of a sequence.
   *
   * @param start position of the first
   */
  public double flops(int start, int count) {
    return count * (flopsPerToken + flopsPerPair * (start + (count + 1) / 2.0));
  }

  /** Learns from a step that ran without waiting for anything. */
  public void observe(double flops, long nanos) {
    weight = MEMORY * weight + 1;
    sumX = MEMORY * sumX + flops;
    sumY = MEMORY * sumY + nanos;
    sumXx = MEMORY * sumXx + flops * flops;
    sumXy = MEMORY * sumXy + flops * nanos;
  }

  /** The time that a step of so many operations probably takes; 0 before the first. */
  public long nanos(double flops) {
    if (weight == 0) {
      return 0;
    }
    double meanX = sumX / weight;
    double meanY = sumY / weight;
    double variance = sumXx / weight - meanX * meanX;
    double slope =
        variance <= 1e-6 * meanX * meanX ? 0 : (sumXy / weight - meanX * meanY) / variance;
    // Neither part of a step takes less than no time.
    slope = Math.clamp(slope, 0, meanY / meanX);
    return (long) (meanY + slope * (flops - meanX));
  }
}
