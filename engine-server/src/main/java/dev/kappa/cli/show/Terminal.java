package dev.kappa.cli.show;

import java.io.Console;

/** Whether a person watches. */
public final class Terminal {

  private Terminal() {}

  // The console of java.base, the default again since 25, is null where nobody watches.
  @SuppressWarnings("SystemConsoleNull")
  public static boolean isInteractive() {
    Console console = System.console();
    return console != null && console.isTerminal() && !"dumb".equals(System.getenv("TERM"));
  }
}
