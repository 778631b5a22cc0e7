package dev.kappa.bench;

import dev.kappa.cli.CommandLines;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code kappa bench}: the benchmark harness. */
@Command(
    name = "kappa bench",
    description = "Measures this machine and reports ratios, never promises.",
    mixinStandardHelpOptions = true,
    subcommands = {
      ThroughputCommand.class,
      KappaSweepCommand.class,
      OffloadOverheadCommand.class,
      StorePoliciesCommand.class,
      PredictionCommand.class
    })
public final class Main {

  private Main() {}

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    return CommandLines.withMessages(new CommandLine(new Main()));
  }
}
