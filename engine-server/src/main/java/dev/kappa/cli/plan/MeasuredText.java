package dev.kappa.cli.plan;

import dev.kappa.roofline.MeasuredRates;

/** Writes what was measured of a machine for people. */
public final class MeasuredText {

  private MeasuredText() {}

  /** A small table. */
  public static String of(MeasuredRates rates) {
    String table =
        new Table()
            .row("each new token", Figures.nanos(rates.tokenNanos()))
            .row("each token that it sees", Figures.nanos(rates.pairNanos()))
            .row("reading all weights", Figures.nanos(rates.weightsNanos()))
            .row("reading the KV of a token", Figures.nanos(rates.contextNanos()))
            .row("every step on top", Figures.nanos(rates.fixedNanos()))
            .row("loads", Figures.rate(rates.loadBytesPerSecond()))
            .row("stores", Figures.rate(rates.storeBytesPerSecond()))
            .show();
    return "Measured on this machine, with random weights\n" + table + "\n";
  }
}
