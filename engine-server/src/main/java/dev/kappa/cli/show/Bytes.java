package dev.kappa.cli.show;

import java.util.Locale;

/** Writes amounts of memory for people. */
public final class Bytes {

  private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB"};

  private Bytes() {}

  /** For example {@code 5.9 MB}; units are powers of 1000. */
  public static String show(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 999.95 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", value, UNITS[unit]);
  }
}
