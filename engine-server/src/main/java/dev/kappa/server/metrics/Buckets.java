package dev.kappa.server.metrics;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Histogram boundaries, those of vLLM where it has the histogram, so that its dashboards fit. */
final class Buckets {

  private static final double[] FIRST_TOKEN = {
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
    80, 160, 640, 2560
  };
  private static final double[] INTER_TOKEN = {
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80
  };
  private static final double[] REQUEST = {
    0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680
  };

  private Buckets() {}

  static Duration[] firstToken() {
    return seconds(FIRST_TOKEN);
  }

  static Duration[] interToken() {
    return seconds(INTER_TOKEN);
  }

  static Duration[] request() {
    return seconds(REQUEST);
  }

  /** 1, 2, 5, 10, … up to a limit. */
  static double[] oneTwoFive(int limit) {
    List<Double> values = new ArrayList<>();
    for (long decade = 1; decade <= limit; decade *= 10) {
      for (long value : new long[] {decade, 2 * decade, 5 * decade}) {
        if (value <= limit) {
          values.add((double) value);
        }
      }
    }
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** 10^first, 3 · 10^first, … up to 10^last. */
  static double[] oneThree(int first, int last) {
    List<Double> values = new ArrayList<>();
    for (int power = first; power < last; power++) {
      values.add(Double.valueOf("1e" + power));
      values.add(Double.valueOf("3e" + power));
    }
    values.add(Double.valueOf("1e" + last));
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  static Duration[] seconds(double[] values) {
    return Arrays.stream(values)
        .mapToObj(value -> Duration.ofNanos(Math.round(value * 1e9)))
        .toArray(Duration[]::new);
  }
}
