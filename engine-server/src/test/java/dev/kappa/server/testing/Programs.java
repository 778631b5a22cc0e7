package dev.kappa.server.testing;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Programs of the machine that tests use where they are installed. */
public final class Programs {

  private Programs() {}

  /** A program's path; skips the test, with a message, if the machine does not have it. */
  public static Path require(String name) {
    for (String directory : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
      Path program = Path.of(directory, name);
      if (Files.isExecutable(program) && !Files.isDirectory(program)) {
        return program;
      }
    }
    return Assumptions.abort("skipped: there is no " + name + " on this machine");
  }
}
