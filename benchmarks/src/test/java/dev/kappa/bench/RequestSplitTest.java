package dev.kappa.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.engine.Finish;
import org.junit.jupiter.api.Test;

class RequestSplitTest {

  private static RequestSplit split(long queued, long first, Finish.Restored restored) {
    return RequestSplit.of(
        new Finish(
            Finish.Reason.LENGTH,
            null,
            new Finish.Usage(100, 1, 64, 64),
            new Finish.Timings(queued, first, first, 0),
            restored,
            new Finish.Account(Double.NaN, 0, 0, 0, 0, 0, 0, Finish.Bound.COMPUTE)));
  }

  /** Admitted after 1 s, loading until 5 s, computing until 7 s. */
  @Test
  void withoutOverlapIsASum() {
    RequestSplit split =
        split(
            5_000_000_000L,
            7_000_000_000L,
            new Finish.Restored(1, 640, 4_000_000_000L, 4_000_000_000L, 0, 0));
    assertThat(split).isEqualTo(new RequestSplit(7, 1, 4, 4, 2, 0, 640));
  }

  /** Admitted after 1 s, first step at 3 s, which waits 1 s for a load that takes until 5 s. */
  @Test
  void countsWhatWentOnAtTheSameTime() {
    RequestSplit split =
        split(
            3_000_000_000L,
            7_000_000_000L,
            new Finish.Restored(1, 640, 4_000_000_000L, 2_000_000_000L, 0, 1_000_000_000L));
    assertThat(split.compute()).isCloseTo(3, within(1e-9));
    assertThat(split.overlap()).isCloseTo(1, within(1e-9));
  }

  /** Gaps between copies make loading longer than copying; that is no overlap below nothing. */
  @Test
  void hasNoNegativeOverlap() {
    RequestSplit split =
        split(
            5_000_000_000L,
            7_000_000_000L,
            new Finish.Restored(1, 640, 3_000_000_000L, 4_000_000_000L, 0, 0));
    assertThat(split.overlap()).isZero();
  }

  @Test
  void hasNothingToLoadWhereNothingWasRestored() {
    assertThat(split(1_000_000_000L, 7_000_000_000L, Finish.Restored.NOTHING))
        .isEqualTo(new RequestSplit(7, 1, 0, 0, 6, 0, 0));
  }
}
