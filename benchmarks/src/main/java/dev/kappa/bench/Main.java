package dev.kappa.bench;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code kappa bench}: the benchmark harness. */
@Command(
    name = "kappa bench",
    description = "Measures this machine and reports ratios, never promises.",
    mixinStandardHelpOptions = true,
    subcommands = {ThroughputCommand.class})
public final class Main {

  private Main() {}

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new Main()).execute(arguments));
  }
}
