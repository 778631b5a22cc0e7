package dev.kappa.grammar;

import dev.kappa.grammar.NetworkBuilder.Rule;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The parts of JSON (RFC 8259) as a model may write them: white space and digits are bounded, so
 * that neither goes on for ever, and escapes spell no half surrogate pair. Not thread-safe.
 */
final class JsonRules {

  /** Ten levels by two, five by four; deeper lines are indented less than they might be. */
  private static final int MAX_INDENT = 20;

  /** 10^15 - 1 is exact in a double, as which most readers take numbers. */
  static final int MAX_DIGITS = 15;

  private static final String DIGITS = "0123456789";
  private static final String HEX = "0123456789abcdefABCDEF";

  private static final String ESCAPED = "\"\\\b\f\n\r\t";
  private static final String ESCAPES = "\"\\bfnrt";

  /** What may stand in a string as it is. */
  private static final CodePoints PLAIN =
      CodePoints.of(0x20, Character.MAX_CODE_POINT).without(CodePoints.of("\"\\"));

  private final NetworkBuilder builder;
  private final Rule space;
  private final Rule character;
  private @Nullable Rule value;

  JsonRules(NetworkBuilder builder) {
    this.builder = builder;
    space = spaceRule();
    character = characterRule();
  }

  /** Nothing, a blank or a line break, before all else. */
  int lead(int from) {
    int end = builder.any(from, " \n");
    builder.epsilon(from, end);
    return end;
  }

  /** Nothing, a blank, or a line break and what the next line is indented by. */
  int space(int from) {
    return builder.call(from, space);
  }

  private Rule spaceRule() {
    Rule rule = builder.rule();
    builder.epsilon(rule.start(), rule.end());
    builder.any(rule.start(), " ", rule.end());
    int at = builder.any(rule.start(), "\n");
    for (int i = 0; i < MAX_INDENT; i++) {
      builder.epsilon(at, rule.end());
      at = builder.any(at, " \t");
    }
    builder.epsilon(at, rule.end());
    return rule;
  }

  /** One character of a string. */
  private Rule characterRule() {
    Rule rule = builder.rule();
    plainExcept(rule.start(), Set.of(), rule.end());
    int escape = builder.any(rule.start(), "\\");
    builder.any(escape, "\"\\/bfnrt", rule.end());
    int unicode = builder.any(escape, "u");
    int twoLeft = builder.state();
    builder.any(builder.any(twoLeft, HEX), HEX, rule.end());
    builder.any(builder.any(unicode, "0123456789abcefABCEF"), HEX, twoLeft);
    int surrogate = builder.any(unicode, "dD");
    builder.any(surrogate, "01234567", twoLeft);
    int high = builder.any(builder.any(builder.any(surrogate, "89abAB"), HEX), HEX);
    builder.any(builder.any(builder.literal(high, "\\u"), "dD"), "cdefCDEF", twoLeft);
    return rule;
  }

  /** Any character that needs no escape, but for some. */
  private void plainExcept(int from, Set<Integer> excepted, int to) {
    List<CodePoints> holes = excepted.stream().map(point -> CodePoints.of(point, point)).toList();
    plain(from, PLAIN.without(CodePoints.union(holes)), to);
  }

  private void plain(int from, CodePoints points, int to) {
    for (CodePoints.Range range : points.ranges()) {
      builder.codePoints(from, range.low(), range.high(), to);
    }
  }

  /**
   * One of these characters within a string, in one spelling: escaped where it must be. Control
   * characters without a short escape are left out.
   */
  void characters(int from, CodePoints points, int to) {
    plain(from, points.complement().and(PLAIN.complement()).complement(), to);
    int escape = builder.state();
    for (int i = 0; i < ESCAPED.length(); i++) {
      if (points.contains(ESCAPED.charAt(i))) {
        builder.any(from, "\\", escape);
        builder.any(escape, ESCAPES.substring(i, i + 1), to);
      }
    }
  }

  /**
   * A string of so many characters.
   *
   * @param most -1 for any number
   */
  int string(int from, int least, int most) {
    int at = builder.literal(from, "\"");
    for (int i = 0; i < least; i++) {
      at = builder.call(at, character);
    }
    int end = builder.state();
    if (most < 0) {
      builder.call(at, character, at);
    }
    for (int i = least; i < most; i++) {
      builder.any(at, "\"", end);
      at = builder.call(at, character);
    }
    builder.any(at, "\"", end);
    return end;
  }

  /** A string without escapes that is none of these. */
  int stringExcept(int from, Set<String> excepted) {
    int end = builder.state();
    int free = builder.state();
    plainExcept(free, Set.of(), free);
    builder.any(free, "\"", end);
    except(builder.literal(from, "\""), excepted, free, end);
    return end;
  }

  /** Goes on as long as what has been written begins one of the strings. */
  private void except(int at, Set<String> rests, int free, int end) {
    if (!rests.contains("")) {
      builder.any(at, "\"", end);
    }
    TreeMap<Integer, Set<String>> byFirst = new TreeMap<>();
    for (String rest : rests) {
      if (!rest.isEmpty()) {
        int first = rest.codePointAt(0);
        byFirst
            .computeIfAbsent(first, unused -> new java.util.TreeSet<>())
            .add(rest.substring(Character.charCount(first)));
      }
    }
    plainExcept(at, byFirst.keySet(), free);
    byFirst.forEach((first, inner) -> {
      // What needs an escape cannot be written here, so nothing is to be kept apart from it.
      if (first >= 0x20 && first != '"' && first != '\\' && !isSurrogate(first)) {
        int next = builder.state();
        builder.codePoints(at, first, first, next);
        except(next, inner, free, end);
      }
    });
  }

  private static boolean isSurrogate(int codePoint) {
    return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
  }

  int integer(int from) {
    int end = builder.state();
    builder.any(from, "0", end);
    int first = builder.any(from, "-");
    builder.epsilon(digits(from, "123456789", MAX_DIGITS), end);
    builder.epsilon(digits(first, "123456789", MAX_DIGITS), end);
    return end;
  }

  int number(int from) {
    int whole = builder.state();
    int unsigned = builder.any(from, "-");
    builder.epsilon(from, unsigned);
    builder.any(unsigned, "0", whole);
    builder.epsilon(digits(unsigned, "123456789", MAX_DIGITS), whole);
    int end = builder.state();
    builder.epsilon(whole, end);
    int fraction = digits(builder.any(whole, "."), DIGITS, MAX_DIGITS);
    builder.epsilon(fraction, end);
    int exponent = builder.any(whole, "eE");
    builder.any(fraction, "eE", exponent);
    int power = builder.any(exponent, "+-");
    builder.epsilon(exponent, power);
    builder.epsilon(digits(power, DIGITS, 2), end);
    return end;
  }

  private int digits(int from, String first, int most) {
    int end = builder.state();
    int at = builder.any(from, first);
    for (int i = 1; i < most; i++) {
      builder.epsilon(at, end);
      at = builder.any(at, DIGITS);
    }
    builder.epsilon(at, end);
    return end;
  }

  int bool(int from) {
    int end = builder.literal(from, "true");
    builder.epsilon(builder.literal(from, "false"), end);
    return end;
  }

  /** Any value. */
  int value(int from) {
    return builder.call(from, valueRule());
  }

  Rule valueRule() {
    Rule known = value;
    if (known != null) {
      return known;
    }
    Rule rule = builder.rule();
    value = rule;
    int start = rule.start();
    for (int end :
        new int[] {
          string(start, 0, -1),
          number(start),
          bool(start),
          builder.literal(start, "null"),
          object(start),
          array(start)
        }) {
      builder.epsilon(end, rule.end());
    }
    return rule;
  }

  /** Any object. */
  int object(int from) {
    int open = space(builder.literal(from, "{"));
    int member = builder.state();
    builder.epsilon(open, member);
    int afterMember = value(colon(string(member, 0, -1)));
    return list(open, member, afterMember, "}");
  }

  private int array(int from) {
    int open = space(builder.literal(from, "["));
    int element = builder.state();
    builder.epsilon(open, element);
    return list(open, element, value(element), "]");
  }

  /** Nothing, or what lies between two states as often as wanted, with commas; then a bracket. */
  private int list(int open, int element, int afterElement, String bracket) {
    int end = builder.state();
    builder.any(open, bracket, end);
    builder.epsilon(comma(afterElement), element);
    builder.any(space(afterElement), bracket, end);
    return end;
  }

  int comma(int from) {
    return space(builder.literal(space(from), ","));
  }

  int colon(int from) {
    return space(builder.literal(from, ":"));
  }
}
