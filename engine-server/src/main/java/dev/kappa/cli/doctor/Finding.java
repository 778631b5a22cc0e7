package dev.kappa.cli.doctor;

import java.util.Locale;

/**
 * What a check found.
 *
 * @param what the thing checked, in a word or two
 * @param found what it is
 * @param advice what to do about it; empty if nothing
 */
public record Finding(Level level, String what, String found, String advice) {

  /** How bad it is. */
  public enum Level {
    OK,
    WARN,
    FAIL
  }

  static Finding ok(String what, String found) {
    return new Finding(Level.OK, what, found, "");
  }

  static Finding warn(String what, String found, String advice) {
    return new Finding(Level.WARN, what, found, advice);
  }

  static Finding fail(String what, String found, String advice) {
    return new Finding(Level.FAIL, what, found, advice);
  }

  /** {@code ok what: found (advice)}. */
  public String line() {
    String word = level.name().toLowerCase(Locale.ROOT);
    return "%-5s %s: %s%s"
        .formatted(word, what, found, advice.isEmpty() ? "" : " (" + advice + ")");
  }
}
