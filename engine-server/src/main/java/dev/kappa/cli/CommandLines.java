package dev.kappa.cli;

import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** How all command lines of Kappa behave. */
public final class CommandLines {

  private CommandLines() {}

  /**
   * Lets a command line end with one line instead of a stack trace where that line explains all: 2
   * if the command line is wrong, 1 if the work failed.
   */
  public static CommandLine withMessages(CommandLine commandLine) {
    return commandLine
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler(CommandLines::wrongUse)
        .setExecutionExceptionHandler(CommandLines::failed)
        .setExecutionStrategy(CommandLines::run);
  }

  /** Runs the command; picocli leaves errors such as this one to the JVM, which prints a trace. */
  private static int run(CommandLine.ParseResult parsed) {
    try {
      return new CommandLine.RunLast().execute(parsed);
    } catch (OutOfMemoryError e) {
      parsed
          .commandSpec()
          .commandLine()
          .getErr()
          .println(
              "kappa: out of memory (%s); ask for less, or give the JVM more, as in KAPPA_JAVA_OPTS=-Xmx8g"
                  .formatted(e.getMessage()));
      return CommandLine.ExitCode.SOFTWARE;
    }
  }

  private static int wrongUse(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    PrintWriter err = command.getErr();
    err.println("kappa: " + firstLine(e) + " (see: " + name + " --help)");
    return CommandLine.ExitCode.USAGE;
  }

  private static int failed(Exception e, CommandLine command, CommandLine.ParseResult parsed) {
    if (!Failures.isExpected(e)) {
      e.printStackTrace(command.getErr());
    }
    command.getErr().println("kappa: " + firstLine(e));
    return CommandLine.ExitCode.SOFTWARE;
  }

  private static String firstLine(Exception e) {
    // Java's message is the file's name alone.
    String message =
        switch (e) {
          case NoSuchFileException missing -> missing.getFile() + ": no such file or directory";
          case AccessDeniedException denied -> denied.getFile() + ": permission denied";
          default -> e.getMessage();
        };
    return message == null
        ? e.getClass().getSimpleName()
        : message.lines().findFirst().orElse(message);
  }
}
