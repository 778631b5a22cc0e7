package dev.kappa.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs the commands of {@code kappa}. */
@Command(
    name = "kappa",
    description = "Serves large language models from the JVM.",
    subcommands = {
      ServeCommand.class,
      CompleteCommand.class,
      PlanCommand.class,
      DoctorCommand.class
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND")
public final class Main implements Runnable {

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  /** Exits with 0 if all went well, 1 if the work failed, 2 if the command line is wrong. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return CommandLines.withMessages(new CommandLine(new Main()))
        .setDefaultValueProvider(new EnvironmentDefaults(System.getenv()));
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is needed");
  }
}
