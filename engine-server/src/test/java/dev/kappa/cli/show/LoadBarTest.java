package dev.kappa.cli.show;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class LoadBarTest {

  private static final long GB = 1_000_000_000;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private long now;

  private LoadBar bar(boolean terminal) {
    return new LoadBar(new PrintStream(bytes, true, StandardCharsets.UTF_8), terminal, () -> now);
  }

  private void advance(LoadBar bar, long millis, long done, long total) {
    now += millis * 1_000_000;
    bar.onProgress(done, total);
  }

  @Test
  void redrawsOneLineOnATerminal() {
    LoadBar bar = bar(true);
    advance(bar, 100, GB, 4 * GB);
    advance(bar, 100, 2 * GB, 4 * GB);
    advance(bar, 1_800, 4 * GB, 4 * GB);
    assertThat(bytes.toString(StandardCharsets.UTF_8))
        .isEqualToNormalizingWhitespace(
            "Loading [#######.......................] 25 % 1.0 GB of 4.0 GB"
                + " Loading [###############...............] 50 % 2.0 GB of 4.0 GB"
                + " Loaded 4.0 GB in 2.0 s")
        .containsOnlyOnce("\n");
  }

  @Test
  void drawsSeldomEnough() {
    LoadBar bar = bar(true);
    for (int i = 0; i < 1000; i++) {
      advance(bar, 1, i, 1000);
    }
    assertThat(bytes.toString(StandardCharsets.UTF_8).split("\r")).hasSizeBetween(15, 25);
  }

  @Test
  void writesFewPlainLinesElsewhere() {
    LoadBar bar = bar(false);
    for (int i = 0; i < 30; i++) {
      advance(bar, 1000, i, 30);
    }
    advance(bar, 0, 30, 30);
    advance(bar, 0, 30, 30);
    assertThat(bytes.toString(StandardCharsets.UTF_8).lines())
        .containsExactly(
            "Loading: 30 %, 9 B of 30 B",
            "Loading: 63 %, 19 B of 30 B", "Loading: 96 %, 29 B of 30 B", "Loaded 30 B in 30.0 s");
  }
}
