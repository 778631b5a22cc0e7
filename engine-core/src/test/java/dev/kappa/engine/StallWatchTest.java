package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StallWatchTest {

  private long now = Long.MAX_VALUE - 5;
  private final StallWatch watch = new StallWatch(() -> now);

  @Test
  void aStepMayTakeTenTimesWhatWasExpectedAndAMinute() {
    long most = StallWatch.TIMES_EXPECTED * 7_000_000_000L + StallWatch.PATIENCE_NANOS;
    watch.begin(7_000_000_000L);
    now += most;
    assertThat(watch.isStalled()).isFalse();
    now++;
    assertThat(watch.isStalled()).isTrue();
    watch.end();
    assertThat(watch.isStalled()).isFalse();
  }

  @Test
  void nothingIsLateBeforeTheFirstStep() {
    now += 1_000 * StallWatch.PATIENCE_NANOS;
    assertThat(watch.isStalled()).isFalse();
  }
}
