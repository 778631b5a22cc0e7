package dev.kappa.sample;

import static org.assertj.core.api.Assertions.assertThat;

/** Pearson's test of observed counts against an exact distribution, at level 0.001. */
final class ChiSquare {

  /** The normal deviate that is exceeded with probability 0.001. */
  private static final double DEVIATE = 3.0902;

  private ChiSquare() {}

  /**
   * Asserts that counts fit; cells expecting fewer than 10 draws are pooled. A single cell holds
   * all draws once the excluded tokens are known to have none.
   */
  static void assertFits(long[] counts, double[] probabilities, String what) {
    long draws = 0;
    for (long count : counts) {
      draws += count;
    }
    double statistic = 0;
    double pooledExpected = 0;
    double pooledSeen = 0;
    int cells = 0;
    for (int i = 0; i < counts.length; i++) {
      double expected = probabilities[i] * draws;
      if (probabilities[i] == 0) {
        assertThat(counts[i]).as("%s: draws of excluded token %d", what, i).isZero();
      } else if (expected < 10) {
        pooledExpected += expected;
        pooledSeen += counts[i];
      } else {
        statistic += square(counts[i] - expected) / expected;
        cells++;
      }
    }
    if (pooledExpected >= 10) {
      statistic += square(pooledSeen - pooledExpected) / pooledExpected;
      cells++;
    }
    if (cells == 1) {
      return;
    }
    assertThat(statistic)
        .as("%s: chi-square with %d degrees of freedom", what, cells - 1)
        .isLessThan(critical(cells - 1));
  }

  /** Wilson and Hilferty, PNAS 17 (1931): the cube root of chi-square is nearly normal. */
  static double critical(int degrees) {
    double spread = 2.0 / (9 * degrees);
    double root = 1 - spread + DEVIATE * Math.sqrt(spread);
    return degrees * root * root * root;
  }

  private static double square(double value) {
    return value * value;
  }
}
