package dev.kappa.plan;

import java.util.Arrays;

/**
 * Many values in short; all zero if there are none.
 *
 * @param mean arithmetic mean
 * @param p50 the smallest value that at least half of them do not exceed
 * @param p90 the same for nine tenths
 * @param p99 the same for 99 of 100
 */
public record Distribution(double mean, double p50, double p90, double p99) {

  static Distribution of(double[] values) {
    if (values.length == 0) {
      return new Distribution(0, 0, 0, 0);
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double sum = 0;
    for (double value : sorted) {
      sum += value;
    }
    return new Distribution(
        sum / sorted.length, at(sorted, 0.5), at(sorted, 0.9), at(sorted, 0.99));
  }

  private static double at(double[] sorted, double share) {
    return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
  }
}
