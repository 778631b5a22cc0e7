package dev.kappa.bench;

import dev.kappa.roofline.Line;
import java.io.PrintStream;

/** Prints a sweep for people. */
final class SweepTable {

  private static final double MILLIS = 1e3;
  private static final double GIGA = 1e9;

  private SweepTable() {}

  static void print(SweepResult result, PrintStream out) {
    SweepResult.Options options = result.options();
    Line compute = result.calibration().compute();
    out.printf("# %s%n", result.machine());
    out.printf(
        "# %s on %s %s; context %d, blocks of %d tokens, steps of %d, medians of %d rounds%n",
        result.model(),
        result.device().kind(),
        result.device().name(),
        options.context(),
        options.blockTokens(),
        options.maxBatchedTokens(),
        options.rounds());
    out.printf(
        "# link %.3f GB/s%s; prefill %.1f ms + FLOPs at %.1f GF/s%n%n",
        result.calibration().linkBytesPerSecond() / GIGA,
        options.linkBandwidth() > 0 ? " (throttled)" : " (best copy)",
        compute.fixed() * MILLIS,
        compute.rate() / GIGA);
    out.println(
        "                      |  time to first token, ms             | load, ms        | compute, ms     |"
            + "         |");
    out.println(
        "      κ      K      T | recompute    whole  overlap    auto  |  found predicted|  found predicted|"
            + "  hidden | link");
    result.points().forEach(row -> print(row, out));
    SweepResult.KappaCritical critical = result.kappaCritical();
    out.printf(
        "%nkappa_crit(%d): predicted %.2f, measured %.2f%n",
        options.context(), critical.predicted(), critical.measured());
  }

  private static void print(SweepResult.Row row, PrintStream out) {
    out.printf(
        "%7.2f %6d %6d | %9.1f %8.1f %8.1f %7.1f  | %7.1f %8.1f| %7.1f %8.1f| %6.0f %% | %.3f GB/s, %.0f"
            + " %%%n",
        row.kappa(),
        row.cached(),
        row.fresh(),
        row.recompute().first() * MILLIS,
        row.loadWhole().first() * MILLIS,
        row.load().first() * MILLIS,
        row.auto().first() * MILLIS,
        row.loadWhole().loading() * MILLIS,
        row.predictedLoad() * MILLIS,
        row.loadWhole().compute() * MILLIS,
        row.predictedCompute() * MILLIS,
        100 * hidden(row),
        row.linkBytesPerSecond() / GIGA,
        100 * row.linkFraction());
  }

  /** The overlap, as a share of what could overlap: the shorter of loading and computing. */
  private static double hidden(SweepResult.Row row) {
    return row.load().overlap() / Math.min(row.load().copy(), row.load().compute());
  }
}
