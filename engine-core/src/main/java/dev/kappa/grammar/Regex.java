package dev.kappa.grammar;

import java.util.List;

/** A regular expression, taken apart. */
sealed interface Regex {

  /** For lengths that have no end. */
  int ENDLESS = Integer.MAX_VALUE;

  /** Fewest code points of a text that it matches. */
  int least();

  /** Most code points; {@link #ENDLESS} if there is no such number. */
  int most();

  /** One of these. */
  record Characters(CodePoints points) implements Regex {
    @Override
    public int least() {
      return 1;
    }

    @Override
    public int most() {
      return 1;
    }
  }

  /** One after the other; the empty text if there are none. */
  record Sequence(List<Regex> parts) implements Regex {
    @Override
    public int least() {
      return parts.stream().mapToInt(Regex::least).reduce(0, Regex::plus);
    }

    @Override
    public int most() {
      return parts.stream().mapToInt(Regex::most).reduce(0, Regex::plus);
    }
  }

  /** Any one of them. */
  record Choice(List<Regex> options) implements Regex {
    @Override
    public int least() {
      return options.stream().mapToInt(Regex::least).min().orElse(0);
    }

    @Override
    public int most() {
      return options.stream().mapToInt(Regex::most).max().orElse(0);
    }
  }

  /**
   * The same several times.
   *
   * @param to {@link #ENDLESS} for any number
   */
  record Repeated(Regex part, int from, int to) implements Regex {
    @Override
    public int least() {
      return times(part.least(), from);
    }

    @Override
    public int most() {
      return times(part.most(), to);
    }
  }

  private static int plus(int a, int b) {
    return (int) Math.min((long) a + b, ENDLESS);
  }

  private static int times(int a, int b) {
    return (int) Math.min((long) a * b, ENDLESS);
  }
}
