package dev.kappa.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds stop strings in text that arrives in pieces, and holds back what may be the beginning of
 * one. Not thread-safe.
 */
final class StopStrings {

  private final List<String> stops;
  private final boolean include;
  private final StringBuilder held = new StringBuilder();
  private @Nullable String found;

  /**
   * @param include whether the one that was found is part of the text
   */
  StopStrings(List<String> stops, boolean include) {
    this.stops = stops;
    this.include = include;
  }

  /**
   * Takes the next piece.
   *
   * @return the text that is certain to come before any stop string; when one is {@link #found},
   *     what preceded it, and it if included; after that nothing
   */
  String append(String piece) {
    if (found != null) {
      return "";
    }
    if (stops.isEmpty()) {
      return piece;
    }
    held.append(piece);
    int end = -1;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      if (at >= 0 && (end < 0 || at < end)) {
        end = at;
        found = stop;
      }
    }
    if (found != null) {
      return take(include ? end + found.length() : end);
    }
    return take(held.length() - longestBeginning());
  }

  /** The text still held back, once no more follows. */
  String finish() {
    return found == null ? take(held.length()) : "";
  }

  /** The stop string that was found, if one was. */
  @Nullable String found() {
    return found;
  }

  private String take(int length) {
    String text = held.substring(0, length);
    held.delete(0, length);
    return text;
  }

  /** Length of the longest end of the held text that a stop string begins with. */
  private int longestBeginning() {
    int longest = 0;
    for (String stop : stops) {
      int most = Math.min(held.length(), stop.length() - 1);
      for (int length = most; length > longest; length--) {
        if (stop.startsWith(held.substring(held.length() - length))) {
          longest = length;
        }
      }
    }
    return longest;
  }
}
