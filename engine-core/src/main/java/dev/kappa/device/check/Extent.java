package dev.kappa.device.check;

/** How large the shapes are. */
public enum Extent {
  /** Those of a model with eight billion weights, and odd ones. */
  FULL(7),
  /** A second or two on a processor: odd ones, which find errors as well but tell no rates. */
  QUICK(3);

  /** How often a call is timed. */
  final int rounds;

  Extent(int rounds) {
    this.rounds = rounds;
  }
}
