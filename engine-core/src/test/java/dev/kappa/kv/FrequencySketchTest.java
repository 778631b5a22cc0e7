package dev.kappa.kv;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FrequencySketchTest {

  private static final int BLOCKS = 1000;

  private final FrequencySketch sketch = new FrequencySketch(BLOCKS);

  static BlockKey key(Random random) {
    return new BlockKey(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
  }

  @Test
  void anEstimateIsNeverTooSmallAndHardlyEverTooLarge() {
    Random random = new Random(1);
    Map<BlockKey, Integer> counts = new HashMap<>();
    BlockKey[] keys = new BlockKey[sketch.period()];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = key(random);
    }
    for (int i = 0; i < sketch.period() - 1; i++) {
      // Some often, most once or never.
      BlockKey key = keys[(int) (keys.length * Math.pow(random.nextDouble(), 3))];
      int before = sketch.add(key);
      int counted = counts.merge(key, 1, Integer::sum);
      assertThat(before).as("seed 1, addition %d", i).isGreaterThanOrEqualTo(least(counted - 1));
    }
    int wrong = 0;
    for (BlockKey key : counts.keySet()) {
      int count = least(counts.get(key));
      assertThat(sketch.count(key)).as("seed 1").isGreaterThanOrEqualTo(count);
      wrong += sketch.count(key) > count ? 1 : 0;
    }
    assertThat((double) wrong / counts.size()).isLessThan(0.005);
  }

  private static int least(int count) {
    return Math.min(count, FrequencySketch.MOST);
  }

  /** A key taken for known wakes the storing of what is never read. */
  @Test
  void newKeysAreTakenForKnownLessOftenThanStoringPaysFor() {
    Random random = new Random(2);
    int taken = 0;
    int additions = 3 * sketch.period();
    for (int i = 0; i < additions; i++) {
      taken += sketch.add(key(random)) > 0 ? 1 : 0;
    }
    // Less than the sketch's description says, as counters are raised only where need be.
    assertThat((double) taken / additions).isLessThan(0.0015);
    assertThat((double) taken / additions).isLessThan(1.0 / StandDown.PAYS_FOR / 4);
  }

  @Test
  void countsAreHalvedAfterEachPeriod() {
    Random random = new Random(3);
    BlockKey often = key(random);
    BlockKey once = key(random);
    for (int i = 0; i < 10; i++) {
      sketch.add(often);
    }
    sketch.add(once);
    for (int i = 11; i < sketch.period() - 1; i++) {
      sketch.add(key(random));
    }
    assertThat(sketch.count(often)).isEqualTo(10);
    assertThat(sketch.count(once)).isEqualTo(1);
    sketch.add(key(random));
    assertThat(sketch.count(often)).isEqualTo(5);
    assertThat(sketch.count(once)).isZero();
  }

  @Test
  void remembersSeveralTimesWhatTheCacheHolds() {
    for (int blocks : new int[] {1, 100, 1000, 4096, 60_000}) {
      assertThat(new FrequencySketch(blocks).period()).isEqualTo(16 * blocks);
    }
    assertThat(new FrequencySketch(0).period()).isPositive();
    assertThat(new FrequencySketch(100_000_000).period()).isEqualTo(4 << 20);
  }

  @Test
  void stopsCountingAtTheMost() {
    BlockKey key = key(new Random(4));
    for (int i = 0; i < 100; i++) {
      sketch.add(key);
    }
    assertThat(sketch.count(key)).isEqualTo(FrequencySketch.MOST);
  }
}
