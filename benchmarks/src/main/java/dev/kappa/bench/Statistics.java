package dev.kappa.bench;

import java.util.Arrays;
import java.util.Random;

/** Medians, and how sure they are. */
final class Statistics {

  private static final int RESAMPLES = 10_000;

  private Statistics() {}

  /**
   * A range of values.
   *
   * @param low its lower end
   * @param high its upper end
   */
  record Interval(double low, double high) {}

  /**
   * The middle value; of an even number of values, the mean of the two in the middle.
   *
   * @throws IllegalArgumentException if there are none
   */
  static double median(double... values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("no values have a median");
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /**
   * The 95 % confidence interval of the median by the percentile bootstrap (Efron and Tibshirani,
   * An Introduction to the Bootstrap, 1993, chapter 13).
   *
   * @param seed decides the resamples; the same seed gives the same interval
   */
  static Interval medianInterval(double[] values, long seed) {
    Random random = new Random(seed);
    double[] medians = new double[RESAMPLES];
    double[] resample = new double[values.length];
    for (int i = 0; i < RESAMPLES; i++) {
      for (int j = 0; j < resample.length; j++) {
        resample[j] = values[random.nextInt(values.length)];
      }
      medians[i] = median(resample);
    }
    Arrays.sort(medians);
    return new Interval(
        medians[(int) (RESAMPLES * 0.025)], medians[(int) Math.ceil(RESAMPLES * 0.975) - 1]);
  }
}
