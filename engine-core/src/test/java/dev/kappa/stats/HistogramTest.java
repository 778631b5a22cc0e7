package dev.kappa.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class HistogramTest {

  private final Histogram histogram = new Histogram(1, 2.5, 10);

  @Test
  void boundsBelongToTheRangeBelow() {
    for (double value : new double[] {0, 1, 1.1, 2.5, 9, 10, 10.5, 1e9}) {
      histogram.add(value);
    }
    Histogram.Reading reading = histogram.read();
    assertThat(reading.bounds()).containsExactly(1, 2.5, 10);
    assertThat(reading.counts()).containsExactly(2, 2, 2, 2);
    assertThat(reading.count()).isEqualTo(8);
    assertThat(reading.sum()).isCloseTo(1e9 + 34.1, within(1e-6));
  }

  @Test
  void nanosecondsBecomeSeconds() {
    histogram.addNanos(1_500_000_000);
    assertThat(histogram.read().sum()).isEqualTo(1.5);
    assertThat(histogram.read().counts()).containsExactly(0, 1, 0, 0);
  }

  @Test
  void aReadingDoesNotChange() {
    Histogram.Reading before = histogram.read();
    histogram.add(1);
    assertThat(before.count()).isZero();
    assertThat(before.sum()).isZero();
  }

  /** Counts only grow while someone adds, and nothing is lost. */
  @Test
  @Timeout(120)
  void oneThreadAddsWhileAnotherReads() {
    int values = 200_000;
    CompletableFuture<Void> writer =
        CompletableFuture.runAsync(() -> {
          for (int i = 0; i < values; i++) {
            histogram.add(i % 4);
          }
        });
    long seen = 0;
    while (!writer.isDone()) {
      long count = histogram.read().count();
      assertThat(count).isBetween(seen, (long) values);
      seen = count;
    }
    writer.join();
    assertThat(histogram.read().count()).isEqualTo(values);
    assertThat(histogram.read().sum()).isEqualTo(values * 1.5);
  }
}
