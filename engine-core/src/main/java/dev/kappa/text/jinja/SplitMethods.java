package dev.kappa.text.jinja;

import static dev.kappa.text.jinja.Arguments.ABSENT;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The methods of Python's str that take a text apart. */
final class SplitMethods {

  private SplitMethods() {}

  static Object call(Rendering rendering, String text, String name, Arguments arguments) {
    return switch (name) {
      case "splitlines" -> {
        Object keepEnds = arguments.bind(name, "keepends=")[0];
        boolean ends = keepEnds != Arguments.ABSENT && Values.isTrue(keepEnds);
        yield Chars.lines(text, ends, rendering.budget());
      }
      case "partition", "rpartition" -> {
        String separator = Values.toText(arguments.bind(name, "sep")[0]);
        rendering.budget().chargeSearch(text, separator);
        yield partition(text, separator, name.startsWith("r"));
      }
      default -> {
        Object[] given = arguments.bind(name, "sep=", "maxsplit=");
        int most = given[1] == ABSENT ? -1 : Values.toInt(given[1]);
        int limit = most < 0 ? Integer.MAX_VALUE : most;
        boolean words = given[0] == ABSENT || given[0] == None.NONE;
        boolean fromEnd = name.equals("rsplit");
        Budget budget = rendering.budget();
        List<Object> parts;
        if (words) {
          parts = fromEnd ? wordsFromEnd(text, limit, budget) : words(text, limit, budget);
        } else {
          String separator = Values.toText(given[0]);
          if (separator.isEmpty()) {
            throw new JinjaException("split(): empty separator");
          }
          budget.chargeSearch(text, separator);
          parts =
              fromEnd
                  ? splitFromEnd(text, separator, limit, budget)
                  : split(text, separator, limit, budget);
        }
        yield parts;
      }
    };
  }

  private static List<Object> split(String text, String separator, int limit, Budget budget) {
    List<Object> parts = new ArrayList<>();
    int from = 0;
    int at = text.indexOf(separator);
    while (at >= 0 && parts.size() < limit) {
      budget.chargeItems(1);
      parts.add(text.substring(from, at));
      from = at + separator.length();
      at = text.indexOf(separator, from);
    }
    parts.add(text.substring(from));
    return parts;
  }

  private static List<Object> splitFromEnd(
      String text, String separator, int limit, Budget budget) {
    List<Object> parts = new ArrayList<>();
    int end = text.length();
    int at = before(text, separator, end);
    while (at >= 0 && parts.size() < limit) {
      budget.chargeItems(1);
      parts.add(text.substring(at + separator.length(), end));
      end = at;
      at = before(text, separator, end);
    }
    parts.add(text.substring(0, end));
    Collections.reverse(parts);
    return parts;
  }

  /** The last place where the separator lies wholly before a position, or -1. */
  private static int before(String text, String separator, int end) {
    return end < separator.length() ? -1 : text.lastIndexOf(separator, end - separator.length());
  }

  /** Splits at runs of whitespace; what a limit leaves over keeps its whitespace within. */
  private static List<Object> words(String text, int limit, Budget budget) {
    List<Object> parts = new ArrayList<>();
    int from = Chars.skipSpace(text, 0);
    while (from < text.length()) {
      int end = from;
      while (end < text.length() && (parts.size() == limit || !Chars.isSpace(text.charAt(end)))) {
        end++;
      }
      budget.chargeItems(1);
      parts.add(text.substring(from, end));
      from = Chars.skipSpace(text, end);
    }
    return parts;
  }

  private static List<Object> wordsFromEnd(String text, int limit, Budget budget) {
    List<Object> parts = new ArrayList<>();
    int end = Chars.stripEnd(text).length();
    while (end > 0) {
      int from = end;
      while (from > 0 && (parts.size() == limit || !Chars.isSpace(text.charAt(from - 1)))) {
        from--;
      }
      budget.chargeItems(1);
      parts.add(text.substring(from, end));
      end = from;
      while (end > 0 && Chars.isSpace(text.charAt(end - 1))) {
        end--;
      }
    }
    Collections.reverse(parts);
    return parts;
  }

  private static Object partition(String text, String separator, boolean last) {
    if (separator.isEmpty()) {
      throw new JinjaException("partition(): empty separator");
    }
    int at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
    if (at < 0) {
      return last ? Tuple.of("", "", text) : Tuple.of(text, "", "");
    }
    return Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
  }
}
