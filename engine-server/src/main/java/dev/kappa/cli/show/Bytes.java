package dev.kappa.cli.show;

import java.util.Locale;

/** Writes amounts of memory for people. */
public final class Bytes {

  private static final String[] BINARY_UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};
  private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB"};

  private Bytes() {}

  /** For example {@code 5.9 MB}; units are powers of 1000. */
  public static String show(long bytes) {
    return show(bytes, 1000, UNITS);
  }

  /** For example {@code 8.0 GiB}; units are powers of 1024. */
  public static String showBinary(long bytes) {
    return show(bytes, 1024, BINARY_UNITS);
  }

  private static String show(long bytes, int step, String[] units) {
    double value = bytes;
    int unit = 0;
    // What would be written as 1000.0 or 1024.0 is written as 1.0 of the next unit.
    while (value >= step - 0.05 && unit < units.length - 1) {
      value /= step;
      unit++;
    }
    return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", value, units[unit]);
  }
}
