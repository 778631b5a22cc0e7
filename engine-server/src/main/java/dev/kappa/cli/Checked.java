package dev.kappa.cli;

import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** Checks values of options. */
final class Checked {

  private Checked() {}

  static int between(CommandLine command, String option, int value, int min, int max) {
    if (value < min || value > max) {
      throw new ParameterException(
          command, "%s must be between %d and %d, but is %d".formatted(option, min, max, value));
    }
    return value;
  }
}
