package dev.kappa.sample;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class CounterRandomTest {

  private static final int CELLS = 64;
  private static final double[] FLAT = new double[CELLS];
  private static final double[] FLAT_PAIRS = new double[CELLS * CELLS];

  static {
    Arrays.fill(FLAT, 1.0 / CELLS);
    Arrays.fill(FLAT_PAIRS, 1.0 / (CELLS * CELLS));
  }

  @Test
  void isUniformOverIndexesAndOverSeeds() {
    for (long fixed : new long[] {0, 1, 42, -1, Long.MIN_VALUE}) {
      long[] overIndex = new long[CELLS];
      long[] overSeed = new long[CELLS];
      for (int i = 0; i < 100_000; i++) {
        overIndex[cell(fixed, i)]++;
        overSeed[cell(i, fixed)]++;
      }
      ChiSquare.assertFits(overIndex, FLAT, "indexes of seed " + fixed);
      ChiSquare.assertFits(overSeed, FLAT, "seeds at index " + fixed);
    }
  }

  @Test
  void neighboursInSeedOrIndexAreIndependent() {
    long[] alongIndex = new long[CELLS * CELLS];
    long[] alongSeed = new long[CELLS * CELLS];
    for (int seed = 0; seed < 400; seed++) {
      for (int index = 0; index < 500; index++) {
        int here = cell(seed, index);
        alongIndex[here * CELLS + cell(seed, index + 1)]++;
        alongSeed[here * CELLS + cell(seed + 1, index)]++;
      }
    }
    ChiSquare.assertFits(alongIndex, FLAT_PAIRS, "pairs along the index");
    ChiSquare.assertFits(alongSeed, FLAT_PAIRS, "pairs along the seed");
  }

  @Test
  void isTheSameOnEveryMachine() {
    // First output of SplitMix64 from state mix(0), worked out by hand in Python integers.
    assertThat(CounterRandom.uniform(0, 0)).isEqualTo(0.7012121095215252);
    assertThat(CounterRandom.uniform(-7, 123_456)).isEqualTo(0.7125375985444621);
  }

  private static int cell(long seed, long index) {
    double uniform = CounterRandom.uniform(seed, index);
    assertThat(uniform >= 0 && uniform < 1).isTrue();
    return (int) (uniform * CELLS);
  }
}
