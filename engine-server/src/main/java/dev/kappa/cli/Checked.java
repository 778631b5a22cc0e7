package dev.kappa.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** Checks values of options; what is wrong makes the command line wrong, before any work starts. */
public final class Checked {

  private static final int MAX_HOST_GIB = 1 << 20;

  private Checked() {}

  /** An integer within bounds. */
  public static int between(CommandLine command, String option, int value, int min, int max) {
    if (value < min || value > max) {
      throw new ParameterException(
          command, "%s must be between %d and %d, but is %d".formatted(option, min, max, value));
    }
    return value;
  }

  /** A finite number above 0. */
  public static double positive(CommandLine command, String option, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new ParameterException(command, option + " must be above 0, but is " + value);
    }
    return value;
  }

  /** A share of something that is there. */
  public static double share(CommandLine command, String option, double value) {
    if (!(value > 0 && value <= 1)) {
      throw new ParameterException(
          command, option + " must be above 0 and at most 1, but is " + value);
    }
    return value;
  }

  /** Host memory for KV blocks, {@code --kv-offloading-size}, in bytes instead of GiB. */
  public static long hostBytes(CommandLine command, double gib) {
    if (!(gib >= 0 && gib <= MAX_HOST_GIB)) {
      throw new ParameterException(
          command,
          "--kv-offloading-size must be between 0 and %d, but is %s".formatted(MAX_HOST_GIB, gib));
    }
    return (long) Math.ceil(gib * (1L << 30));
  }

  /** Where a file can be written; leaves alone what may be there. */
  public static void writable(CommandLine command, String option, @Nullable Path file) {
    if (file == null) {
      return;
    }
    Path folder = file.toAbsolutePath().getParent();
    String wrong = null;
    if (Files.isDirectory(file)) {
      wrong = "is a directory";
    } else if (folder != null && !Files.isDirectory(folder)) {
      wrong = "no such directory";
    } else if (!Files.isWritable(Files.exists(file) || folder == null ? file : folder)) {
      wrong = "permission denied";
    }
    if (wrong != null) {
      throw new ParameterException(
          command, "%s cannot write %s: %s".formatted(option, file, wrong));
    }
  }
}
