package dev.kappa.text.jinja;

import static dev.kappa.text.jinja.Arguments.ABSENT;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods of Python's str. */
final class StringMethods {

  private static final Set<String> NAMES =
      Set.of(
          "strip",
          "lstrip",
          "rstrip",
          "split",
          "rsplit",
          "splitlines",
          "partition",
          "rpartition",
          "startswith",
          "endswith",
          "removeprefix",
          "removesuffix",
          "replace",
          "join",
          "find",
          "rfind",
          "index",
          "rindex",
          "count",
          "upper",
          "lower",
          "casefold",
          "title",
          "capitalize",
          "swapcase",
          "isdigit",
          "isdecimal",
          "isnumeric",
          "isalpha",
          "isalnum",
          "isspace",
          "islower",
          "isupper",
          "ljust",
          "rjust",
          "center",
          "zfill",
          "format");

  private StringMethods() {}

  static boolean exists(String name) {
    return NAMES.contains(name);
  }

  static Object call(Rendering rendering, String text, String name, Arguments arguments) {
    rendering.budget().charge(text.length());
    return switch (name) {
      case "strip", "lstrip", "rstrip" -> strip(text, name, arguments);
      case "split", "rsplit", "splitlines", "partition", "rpartition" ->
          SplitMethods.call(rendering, text, name, arguments);
      case "startswith" -> affix(text, arguments, true);
      case "endswith" -> affix(text, arguments, false);
      case "removeprefix" -> {
        String prefix = Values.toText(arguments.bind(name, "prefix")[0]);
        yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
      }
      case "removesuffix" -> {
        String suffix = Values.toText(arguments.bind(name, "suffix")[0]);
        yield text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
      }
      case "replace" -> {
        Object[] given = arguments.bind(name, "old", "new", "count=");
        int count = given[2] == ABSENT ? -1 : Values.toInt(given[2]);
        yield replace(rendering, text, Values.toText(given[0]), Values.toText(given[1]), count);
      }
      case "join" -> join(rendering, text, arguments);
      case "find", "rfind", "index", "rindex", "count" -> search(rendering, text, name, arguments);
      case "ljust", "rjust", "center", "zfill" -> pad(rendering, text, name, arguments);
      case "format" -> BraceFormat.format(rendering, text, arguments);
      default -> {
        arguments.bind(name);
        yield plain(text, name);
      }
    };
  }

  private static Object plain(String text, String name) {
    return switch (name) {
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower", "casefold" -> text.toLowerCase(Locale.ROOT);
      case "title" -> title(text);
      case "capitalize" -> capitalizeWord(text);
      case "swapcase" -> swapCase(text);
      case "isdigit", "isdecimal", "isnumeric" -> all(text, Character::isDigit);
      case "isalpha" -> all(text, Character::isLetter);
      case "isalnum" -> all(text, Character::isLetterOrDigit);
      case "isspace" -> all(text, Chars::isSpace);
      case "islower" -> isLower(text);
      default -> isUpper(text);
    };
  }

  private static boolean all(String text, IntPredicate test) {
    return !text.isEmpty() && text.codePoints().allMatch(test);
  }

  /** At least one cased letter, and all of them lower. */
  static boolean isLower(String text) {
    return text.codePoints().anyMatch(Character::isLowerCase)
        && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
  }

  static boolean isUpper(String text) {
    return text.codePoints().anyMatch(Character::isUpperCase)
        && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
  }

  /** The first letter in title case, the rest in lower case. */
  static String capitalizeWord(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.codePointAt(0);
    String rest = text.substring(Character.charCount(first)).toLowerCase(Locale.ROOT);
    return titleCase(first) + rest;
  }

  private static String titleCase(int c) {
    int title = Character.toTitleCase(c);
    // A letter such as ß has no single title-case letter.
    return title != c || Character.isUpperCase(c)
        ? Character.toString(title)
        : upperThenLower(Character.toString(c).toUpperCase(Locale.ROOT));
  }

  private static String upperThenLower(String upper) {
    int first = upper.codePointAt(0);
    int length = Character.charCount(first);
    return upper.substring(0, length) + upper.substring(length).toLowerCase(Locale.ROOT);
  }

  private static String title(String text) {
    StringBuilder out = new StringBuilder(text.length());
    boolean inWord = false;
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      int c = text.codePointAt(i);
      out.append(inWord ? Character.toString(c).toLowerCase(Locale.ROOT) : titleCase(c));
      inWord = Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
    }
    return out.toString();
  }

  private static String swapCase(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .forEach(c -> {
          String one = Character.toString(c);
          out.append(
              Character.isUpperCase(c)
                  ? one.toLowerCase(Locale.ROOT)
                  : one.toUpperCase(Locale.ROOT));
        });
    return out.toString();
  }

  private static Object strip(String text, String name, Arguments arguments) {
    Object chars = arguments.bind(name, "chars=")[0];
    @Nullable String set = chars == ABSENT || chars == None.NONE ? null : Values.toText(chars);
    return Chars.strip(text, set, !name.equals("rstrip"), !name.equals("lstrip"));
  }

  private static boolean affix(String text, Arguments arguments, boolean start) {
    Object given = arguments.bind(start ? "startswith" : "endswith", "affix")[0];
    List<Object> affixes = given instanceof Tuple tuple ? tuple : List.of(given);
    for (Object affix : affixes) {
      String part = Values.toText(affix);
      if (start ? text.startsWith(part) : text.endsWith(part)) {
        return true;
      }
    }
    return false;
  }

  /** Replaces the first {@code count} places, all of them where it is negative. */
  static String replace(Rendering rendering, String text, String old, String with, int count) {
    rendering.budget().chargeSearch(text, old);
    StringBuilder out = new StringBuilder();
    int from = 0;
    int left = count < 0 ? Integer.MAX_VALUE : count;
    int at = text.indexOf(old);
    while (at >= 0 && left-- > 0) {
      rendering.budget().charge((long) at - from + with.length());
      out.append(text, from, at).append(with);
      from = at + old.length();
      if (!old.isEmpty()) {
        at = text.indexOf(old, from);
      } else if (at < text.length()) {
        // An empty string is found before each character and at the end.
        at = text.offsetByCodePoints(at, 1);
      } else {
        at = -1;
      }
    }
    rendering.budget().charge(text.length() - from);
    return out.append(text, from, text.length()).toString();
  }

  private static Object join(Rendering rendering, String text, Arguments arguments) {
    StringBuilder out = new StringBuilder();
    boolean first = true;
    for (Object item : rendering.operators().iterate(arguments.bind("join", "items")[0])) {
      String part = Values.toText(item);
      rendering.budget().charge((long) part.length() + text.length());
      out.append(first ? "" : text).append(part);
      first = false;
    }
    return out.toString();
  }

  private static Object search(Rendering rendering, String text, String name, Arguments arguments) {
    String part = Values.toText(arguments.bind(name, "sub")[0]);
    rendering.budget().chargeSearch(text, part);
    if (name.equals("count")) {
      long count = part.isEmpty() ? Chars.length(text) + 1 : 0;
      for (int at = text.indexOf(part);
          !part.isEmpty() && at >= 0;
          at = text.indexOf(part, at + part.length())) {
        count++;
      }
      return count;
    }
    int at = name.startsWith("r") ? text.lastIndexOf(part) : text.indexOf(part);
    if (at < 0 && name.endsWith("index")) {
      throw new JinjaException(name + "(): substring not found");
    }
    return at < 0 ? -1L : (long) text.codePointCount(0, at);
  }

  private static Object pad(Rendering rendering, String text, String name, Arguments arguments) {
    Object[] given = arguments.bind(name, "width=", "fill=");
    int width = given[0] == ABSENT ? 80 : Values.toInt(given[0]);
    String fill = name.equals("zfill") ? "0" : given[1] == ABSENT ? " " : Values.toText(given[1]);
    int missing = Math.max(0, width - Chars.length(text));
    rendering.budget().charge(missing, fill.length());
    return switch (name) {
      case "ljust" -> text + fill.repeat(missing);
      case "zfill" -> {
        boolean signed = text.startsWith("-") || text.startsWith("+");
        String sign = signed ? text.substring(0, 1) : "";
        yield sign + fill.repeat(missing) + text.substring(sign.length());
      }
      case "center" -> {
        // CPython puts the odd one on the left only if the width is odd.
        int left = missing / 2 + (missing & width & 1);
        yield fill.repeat(left) + text + fill.repeat(missing - left);
      }
      default -> fill.repeat(missing) + text;
    };
  }
}
