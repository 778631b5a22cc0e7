package dev.kappa.plan;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.kappa.roofline.HardwareProfile;
import dev.kappa.roofline.KvType;
import dev.kappa.roofline.ModelShape;
import dev.kappa.roofline.Roofline;
import org.junit.jupiter.api.Test;

class ExpectationTest {

  /** So many words that attention hardly counts. */
  private static final ModelShape MODEL =
      ModelShape.dense(2, 64, 128, 4, 2, 16, 1_000_000, true, KvType.BF16);

  /** A millisecond per ten tokens loaded: 2 · 2 · 2 · 16 · 2 = 256 bytes each. */
  private static final double LINK = 256 * 10_000.0;

  private static Roofline roofline(double flops) {
    return new Roofline(MODEL, new HardwareProfile("test", flops, LINK, LINK, 1e12, 0, 0));
  }

  /** Makes computing the tokens of one request take so long. */
  private static Roofline computing(int tokens, int behind, double millis) {
    return roofline(MODEL.flops(tokens, behind) / millis * 1000);
  }

  @Test
  void anEqualRequestWaitsForTheLongerOfLinkAndDevice() {
    Expectation alone = Expectation.ofEqual(Demand.of(900, 100), computing(100, 900, 30), 0);
    assertThat(alone.loadMillis().p50()).isCloseTo(90, within(1e-6));
    assertThat(alone.computeMillis().p50()).isCloseTo(30, within(1e-6));
    assertThat(alone.aloneMillis().p99()).isCloseTo(90, within(1e-6));
    // 150 of 900 tokens computed, at 0.3 ms, and the other 750 loaded, at 0.1 ms, take 75 ms.
    assertThat(alone.splitMillis().p50()).isCloseTo(75, withinPercentage(0.1));
    assertThat(alone.linkBound()).isEqualTo(1);
    assertThat(alone.kappa().mean()).isEqualTo(9);
    assertThat(alone.queuedMillis()).isNull();
    assertThat(alone.linkUse()).isNull();
  }

  /** 100 tokens loaded in 10 ms, hidden behind 30 ms of computing: nothing to gain. */
  @Test
  void whatTheDeviceBindsIsLoadedWhole() {
    Expectation alone = Expectation.ofEqual(Demand.of(100, 100), computing(100, 100, 30), 0);
    assertThat(alone.splitMillis()).isEqualTo(alone.aloneMillis());
  }

  @Test
  void equalRequestsThatArriveAtRandomWaitAsInTheTextbook() {
    Expectation busy = Expectation.ofEqual(Demand.of(900, 100), computing(100, 900, 30), 5);
    assertThat(busy.linkUse()).isCloseTo(0.45, within(1e-9));
    assertThat(busy.deviceUse()).isCloseTo(0.15, within(1e-9));
    // 90 ms, and 0.45 · 90 / (2 · 0.55) in the queue.
    assertThat(requireNonNull(busy.queuedMillis()).mean()).isCloseTo(90 + 36.818_18, within(1e-4));
    Expectation over = Expectation.ofEqual(Demand.of(900, 100), computing(100, 900, 30), 12);
    assertThat(over.queuedMillis()).as("more than the link can take").isNull();
    assertThat(over.linkUse()).isCloseTo(1.08, within(1e-9));
  }

  @Test
  void requestsOfATraceQueueForLinkAndDevice() {
    // At 0 ms: nothing to load. At 10 ms: 40 ms on the link. At 20 ms: 10 ms on the link.
    Demand demand =
        new Demand(
            new double[] {0, 10, 20},
            new int[] {0, 400, 100},
            new int[] {0, 400, 400},
            new int[] {100, 100, 100});
    double flops = MODEL.flops(100, 0) / 30e-3;
    Roofline roofline = roofline(flops);
    double behind = MODEL.flops(100, 400) / flops * 1000;
    Expectation expected = Expectation.ofTrace(demand, roofline);
    double second = Math.max(50, 30 + behind) - 10;
    double third = Math.max(60, 30 + 2 * behind) - 20;
    assertThat(requireNonNull(expected.queuedMillis()).mean())
        .isCloseTo((30 + second + third) / 3, within(1e-6));
    assertThat(expected.linkBound()).as("the second alone").isCloseTo(1 / 3.0, within(1e-9));
    assertThat(expected.linkUse()).isCloseTo(50 / 20.0, within(1e-9));
    assertThat(expected.cachedShare()).isCloseTo(800 / 1100.0, within(1e-12));
  }
}
