package dev.kappa.sample;

/**
 * Uniform numbers addressed by (seed, index) instead of drawn from a stream: the same pair gives
 * the same number at any time, in any order and on any machine.
 *
 * <p>SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) evaluated at its {@code index}-th state; the
 * seed is mixed first so that neighbouring seeds start far apart.
 */
final class CounterRandom {

  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private CounterRandom() {}

  /** In [0, 1), a multiple of 2⁻⁵³. */
  static double uniform(long seed, long index) {
    return (mix(mix(seed) + (index + 1) * GAMMA) >>> 11) * 0x1p-53;
  }

  private static long mix(long state) {
    long z = state + GAMMA;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
