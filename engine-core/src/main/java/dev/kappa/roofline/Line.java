package dev.kappa.roofline;

/**
 * {@code seconds = fixed + perUnit · work}: what a task takes, as a part that it always takes and a
 * part that grows with the work.
 *
 * @param fixed seconds
 * @param perUnit seconds per unit of work
 */
public record Line(double fixed, double perUnit) {

  /** The time for so much work. */
  public double at(double work) {
    return fixed + perUnit * work;
  }

  /** Work per second, apart from the fixed part; infinite if work takes no time. */
  public double rate() {
    return 1 / perUnit;
  }

  /**
   * The line through measured times with the smallest squares of <i>relative</i> errors, since
   * times that differ by orders of magnitude are off by like shares of themselves. Neither part of
   * it is negative.
   *
   * @param work at least two different values
   * @param seconds the time for each, positive
   */
  public static Line fit(double[] work, double[] seconds) {
    double weights = 0;
    double sumX = 0;
    double sumY = 0;
    for (int i = 0; i < work.length; i++) {
      double weight = weight(seconds[i]);
      weights += weight;
      sumX += weight * work[i];
      sumY += weight * seconds[i];
    }
    double meanX = sumX / weights;
    double meanY = sumY / weights;
    double covariance = 0;
    double variance = 0;
    double throughOrigin = 0;
    double squares = 0;
    for (int i = 0; i < work.length; i++) {
      double weight = weight(seconds[i]);
      covariance += weight * (work[i] - meanX) * (seconds[i] - meanY);
      variance += weight * (work[i] - meanX) * (work[i] - meanX);
      throughOrigin += weight * work[i] * seconds[i];
      squares += weight * work[i] * work[i];
    }
    if (!(variance > 0)) {
      throw new IllegalArgumentException("a line needs two different amounts of work");
    }
    double slope = covariance / variance;
    if (slope < 0) {
      return new Line(meanY, 0);
    }
    double fixed = meanY - slope * meanX;
    return fixed < 0 ? new Line(0, throughOrigin / squares) : new Line(fixed, slope);
  }

  private static double weight(double seconds) {
    if (!(seconds > 0)) {
      throw new IllegalArgumentException("a time of " + seconds + " seconds");
    }
    return 1 / (seconds * seconds);
  }
}
