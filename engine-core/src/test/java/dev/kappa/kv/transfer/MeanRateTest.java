package dev.kappa.kv.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import org.junit.jupiter.api.Test;

class MeanRateTest {

  private static final long PIECE_NANOS = 1_000_000;

  @Test
  void timesNotedLateDoNotMakeTheLinkFaster() {
    MeanRate rate = new MeanRate(0.03, PIECE_NANOS);
    for (int i = 0; i < 200; i++) {
      rate.add(30_000, 1_999_999);
      rate.add(30_000, 1);
      assertThat(rate.bytesPerNano()).isCloseTo(0.03, withinPercentage(6));
    }
  }

  @Test
  void followsALinkThatHasBecomeSlower() {
    MeanRate rate = new MeanRate(50, PIECE_NANOS);
    for (int i = 0; i < 60; i++) {
      // As long as the rate is thought to be higher, pieces are longer.
      rate.add((long) (rate.bytesPerNano() * PIECE_NANOS), (long) (rate.bytesPerNano() * 200_000));
    }
    assertThat(rate.bytesPerNano()).isCloseTo(5, withinPercentage(10));
  }

  @Test
  void followsALinkThatHasBecomeFaster() {
    MeanRate rate = new MeanRate(5, PIECE_NANOS);
    for (int i = 0; i < 200; i++) {
      rate.add((long) (rate.bytesPerNano() * PIECE_NANOS), (long) (rate.bytesPerNano() * 20_000));
    }
    assertThat(rate.bytesPerNano()).isCloseTo(50, withinPercentage(10));
  }
}
