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
        arguments.bind(name);
        yield Chars.lines(text);
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
        List<Object> parts;
        if (words) {
          parts = fromEnd ? wordsFromEnd(text, limit) : words(text, limit);
        } else {
          String separator = Values.toText(given[0]);
          rendering.budget().chargeSearch(text, separator);
          parts = split(text, separator, limit, fromEnd);
        }
        rendering.budget().charge(parts.size());
        yield parts;
      }
    };
  }

  private static List<Object> split(String text, String separator, int limit, boolean fromEnd) {
    if (separator.isEmpty()) {
      throw new JinjaException("split(): empty separator");
    }
    List<Object> parts = new ArrayList<>();
    if (fromEnd) {
      int end = text.length();
      int at = text.lastIndexOf(separator, end - separator.length());
      while (at >= 0 && parts.size() < limit) {
        parts.add(text.substring(at + separator.length(), end));
        end = at;
        at = end < separator.length() ? -1 : text.lastIndexOf(separator, end - separator.length());
      }
      parts.add(text.substring(0, end));
      Collections.reverse(parts);
      return parts;
    }
    int from = 0;
    int at = text.indexOf(separator);
    while (at >= 0 && parts.size() < limit) {
      parts.add(text.substring(from, at));
      from = at + separator.length();
      at = text.indexOf(separator, from);
    }
    parts.add(text.substring(from));
    return parts;
  }

  /** Splits at runs of whitespace; what a limit leaves over keeps its whitespace within. */
  private static List<Object> words(String text, int limit) {
    List<Object> parts = new ArrayList<>();
    int from = Chars.skipSpace(text, 0);
    while (from < text.length()) {
      int end = from;
      while (end < text.length() && (parts.size() == limit || !Chars.isSpace(text.charAt(end)))) {
        end++;
      }
      parts.add(text.substring(from, end));
      from = Chars.skipSpace(text, end);
    }
    return parts;
  }

  private static List<Object> wordsFromEnd(String text, int limit) {
    List<Object> parts = new ArrayList<>();
    int end = Chars.stripEnd(text).length();
    while (end > 0) {
      int from = end;
      while (from > 0 && (parts.size() == limit || !Chars.isSpace(text.charAt(from - 1)))) {
        from--;
      }
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
