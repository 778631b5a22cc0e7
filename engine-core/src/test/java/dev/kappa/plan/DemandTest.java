package dev.kappa.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class DemandTest {

  @Test
  void withoutCachesEverythingIsComputed() {
    Demand demand = Demand.of(Traces.small(), 0, 0);
    assertThat(demand.cached()).containsOnly(0);
    assertThat(demand.computed()).containsExactly(1024, 768, 1024, 1536);
    assertThat(demand.cachedShare()).isZero();
  }

  @Test
  void whatIsInHostMemoryAloneIsLoaded() {
    Demand demand = Demand.of(Traces.small(), 0, 100);
    // Of the third, which is known as a whole, the last token is computed.
    assertThat(demand.cached()).containsExactly(0, 512, 1023, 1024);
    assertThat(demand.loaded()).isEqualTo(demand.cached());
    assertThat(demand.computed()).containsExactly(1024, 256, 1, 512);
    assertThat(demand.kappaOfCached()).containsExactly(0, 2, 1023, 2);
    assertThat(demand.cachedShare()).isCloseTo(2559 / 4352.0, within(1e-12));
  }

  @Test
  void whatIsOnTheDeviceIsNotLoaded() {
    Demand demand = Demand.of(Traces.small(), 2, 100);
    // The device holds two blocks: A B, then A C, then A B again.
    assertThat(demand.cached()).containsExactly(0, 512, 1023, 1024);
    assertThat(demand.loaded()).containsExactly(0, 0, 511, 0);
    assertThat(demand.kappaOfLoaded()).containsExactly(0, 0, 511, 0);
    assertThat(demand.kappaOfCached()).containsExactly(0, 2, 1023, 2);
  }

  @Test
  void aFullCacheDropsWhatWasUsedLeastRecentlyAndLastBlocksFirst() {
    Demand demand = Demand.of(Traces.small(), 0, 2);
    // A C takes the place of B, not of A; the third brings B back, so that the fourth finds it.
    assertThat(demand.cached()).containsExactly(0, 512, 512, 1024);
    LruBlocks one = new LruBlocks(1, 4);
    one.use(new int[] {0, 1});
    assertThat(one.holds(0)).as("used last, since others build on it").isTrue();
    assertThat(one.holds(1)).isFalse();
  }

  @Test
  void percentilesAreValuesThatOccur() {
    double[] values = {5, 1, 4, 2, 3, 10, 9, 8, 7, 6};
    assertThat(Distribution.of(values)).isEqualTo(new Distribution(5.5, 5, 9, 10));
    assertThat(Distribution.of(new double[] {7})).isEqualTo(new Distribution(7, 7, 7, 7));
    assertThat(Distribution.of(new double[0])).isEqualTo(new Distribution(0, 0, 0, 0));
  }
}
