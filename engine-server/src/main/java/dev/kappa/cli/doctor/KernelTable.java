package dev.kappa.cli.doctor;

import dev.kappa.device.check.CheckLine;
import java.util.Locale;

/** The lines of a check of kernels and copies, as they come. */
final class KernelTable {

  private static final String FORM = "%-5s %-15s %-62s %7s %10s %12s %14s";

  private KernelTable() {}

  static String head() {
    return row("", "kernel", "shape", "error", "of allowed", "time", "rate");
  }

  /**
   * The error is the largest one, as a part of what is allowed; devices of the same numerics may
   * not differ in a bit.
   */
  static String line(CheckLine line) {
    String text =
        row(
            line.passed() ? "ok" : "fail",
            line.what(),
            line.shape(),
            error(line),
            line.tolerance() == 0 ? "" : number("%.1e", line.tolerance()),
            line.nanos() == 0 ? "" : number("%.1f us", line.nanos() / 1e3),
            rate(line));
    return line.passed() ? text : text + "  " + line.problem();
  }

  private static String error(CheckLine line) {
    if (Double.isNaN(line.error())) {
      return "";
    }
    if (line.tolerance() == 0) {
      return line.passed() ? "none" : "differs";
    }
    return Double.isInfinite(line.error()) ? "NaN" : number("%.0f%%", 100 * line.error());
  }

  private static String rate(CheckLine line) {
    if (line.nanos() == 0) {
      return "";
    }
    // Per nanosecond is billions per second.
    if (line.flops() > 0) {
      double rate = (double) line.flops() / line.nanos();
      return rate < 1000 ? number("%.1f GFLOP/s", rate) : number("%.1f TFLOP/s", rate / 1000);
    }
    return line.bytes() == 0 ? "" : number("%.2f GB/s", (double) line.bytes() / line.nanos());
  }

  private static String row(Object... cells) {
    return FORM.formatted(cells).stripTrailing();
  }

  private static String number(String form, double value) {
    return String.format(Locale.ROOT, form, value);
  }
}
