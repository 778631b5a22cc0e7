package dev.kappa.device.virtual;

import java.util.SplittableRandom;

/** Lengthens and shortens durations at random, by the seed. */
final class Jitter {

  private final SplittableRandom random;
  private final double spread;

  /**
   * @param spread durations lie within {@code 1 ± spread} of what they would be; 0 for exact ones
   */
  Jitter(long seed, double spread) {
    random = new SplittableRandom(seed);
    this.spread = spread;
  }

  /** The next operation's duration, in whole nanoseconds. */
  long apply(double nanos) {
    double factor = spread == 0 ? 1 : 1 + spread * (2 * random.nextDouble() - 1);
    return Math.round(nanos * factor);
  }
}
