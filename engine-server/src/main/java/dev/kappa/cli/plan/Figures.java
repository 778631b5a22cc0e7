package dev.kappa.cli.plan;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Writes numbers of plans for people. */
final class Figures {

  private static final double SECOND = 1000;

  private Figures() {}

  static String tokens(long tokens) {
    return String.format(Locale.ROOT, "%,d", tokens);
  }

  /** κ with as many digits as mean something. */
  static String kappa(double kappa) {
    if (Double.isInfinite(kappa)) {
      return "any";
    }
    return String.format(Locale.ROOT, kappa < 10 ? "%.1f" : "%,.0f", kappa);
  }

  static String millis(double millis) {
    if (millis == 0) {
      return "0";
    }
    if (millis < 10) {
      return String.format(Locale.ROOT, "%.1f ms", millis);
    }
    return millis < SECOND
        ? String.format(Locale.ROOT, "%.0f ms", millis)
        : String.format(Locale.ROOT, "%,.1f s", millis / SECOND);
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * share);
  }

  static String percent(@Nullable Double share) {
    return share == null ? "-" : percent(share.doubleValue());
  }

  static String billions(long parameters) {
    return String.format(Locale.ROOT, "%.1f billion", parameters / 1e9);
  }

  /** A time with as many digits as mean something. */
  static String nanos(double nanos) {
    if (nanos < 1e3) {
      return String.format(Locale.ROOT, "%.3g ns", nanos);
    }
    return nanos < 1e6
        ? String.format(Locale.ROOT, "%.3g µs", nanos / 1e3)
        : String.format(Locale.ROOT, "%.3g ms", nanos / 1e6);
  }

  static String flops(double flopsPerSecond) {
    return flopsPerSecond < 1e12
        ? String.format(Locale.ROOT, "%.0f GFLOP/s", flopsPerSecond / 1e9)
        : String.format(Locale.ROOT, "%.0f TFLOP/s", flopsPerSecond / 1e12);
  }

  static String rate(double bytesPerSecond) {
    return String.format(Locale.ROOT, "%.1f GB/s", bytesPerSecond / 1e9);
  }
}
