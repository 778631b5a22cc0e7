package dev.kappa.grammar;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads the regular part of ECMA-262's expressions (ECMA-262, 22.2.1), as JSON Schema has them in
 * {@code pattern}. Classes are narrowed to what other dialects understand by them, too, so that
 * what is written satisfies validators in any language. Not thread-safe.
 */
final class RegexParser {

  /** Groups within each other. */
  private static final int MAX_DEPTH = 50;

  private static final int MAX_COUNT = 10_000;

  private static final int MAX_LENGTH = 10_000;

  /** All that any dialect calls the end of a line. */
  private static final CodePoints LINE_ENDS = CodePoints.of("\n\u000b\f\r\u0085\u2028\u2029");

  private static final CodePoints DOT = LINE_ENDS.complement();

  private final String text;
  private int at;
  private int depth;

  private RegexParser(String text) {
    this.text = text;
  }

  /** An expression that is not of the regular part. */
  static final class UnsupportedRegexException extends RuntimeException {
    private static final long serialVersionUID = 1;

    UnsupportedRegexException(String message) {
      super(message, null, false, false);
    }
  }

  /**
   * What the texts look like in which the expression finds a match: as in JSON Schema it need not
   * begin at their beginning, nor end at their end, unless it says so.
   *
   * @throws UnsupportedRegexException if it is no regular expression, or has more than the regular
   *     part; says what and where
   */
  static Regex parse(String expression) {
    if (expression.length() > MAX_LENGTH) {
      throw new UnsupportedRegexException("more than " + MAX_LENGTH + " characters");
    }
    RegexParser parser = new RegexParser(expression);
    List<Regex> options = new ArrayList<>();
    do {
      options.add(parser.anchored());
    } while (parser.take('|'));
    if (parser.at < expression.length()) {
      throw parser.error("')' closes no group");
    }
    return options.size() == 1 ? options.getFirst() : new Regex.Choice(options);
  }

  /** An alternative of the whole expression, with what may come before and behind it. */
  private Regex anchored() {
    List<Regex> parts = new ArrayList<>();
    if (!take('^')) {
      parts.add(anything());
    }
    parts.add(sequence());
    if (!take('$')) {
      parts.add(anything());
    } else if (at < text.length() && peek() != '|' && peek() != ')') {
      throw error("'$' is supported only at the end");
    }
    return new Regex.Sequence(parts);
  }

  private static Regex anything() {
    return new Regex.Repeated(new Regex.Characters(CodePoints.ALL), 0, Regex.ENDLESS);
  }

  private Regex choice() {
    List<Regex> options = new ArrayList<>();
    do {
      options.add(sequence());
    } while (take('|'));
    return options.size() == 1 ? options.getFirst() : new Regex.Choice(options);
  }

  private Regex sequence() {
    List<Regex> parts = new ArrayList<>();
    while (at < text.length() && "|)".indexOf(peek()) < 0 && !(peek() == '$' && depth == 0)) {
      Regex part = quantified(atom());
      // Nothing, however often, is still nothing, but would take its time to write.
      if (part.most() > 0) {
        parts.add(part);
      }
    }
    return parts.size() == 1 ? parts.getFirst() : new Regex.Sequence(parts);
  }

  private Regex quantified(Regex part) {
    Regex repeated = part;
    if (take('*')) {
      repeated = new Regex.Repeated(part, 0, Regex.ENDLESS);
    } else if (take('+')) {
      repeated = new Regex.Repeated(part, 1, Regex.ENDLESS);
    } else if (take('?')) {
      repeated = new Regex.Repeated(part, 0, 1);
    } else if (at < text.length() && peek() == '{') {
      repeated = counted(part);
    } else {
      return part;
    }
    // Which of several matches is preferred makes no difference to whether there is one.
    take('?');
    if (at < text.length() && "*+?{".indexOf(peek()) >= 0) {
      throw error("there is nothing to repeat");
    }
    return repeated;
  }

  private Regex counted(Regex part) {
    int open = at++;
    int from = number();
    int to = from;
    if (take(',')) {
      to = at < text.length() && peek() == '}' ? Regex.ENDLESS : number();
    }
    if (!take('}') || to < from) {
      at = open;
      throw error("'{' must be followed by one number or two, and '}'");
    }
    return new Regex.Repeated(part, from, to);
  }

  private int number() {
    int start = at;
    while (at < text.length() && peek() >= '0' && peek() <= '9') {
      at++;
    }
    if (at == start || at - start > 5) {
      throw error("a number up to " + MAX_COUNT + " is missing");
    }
    int value = Integer.parseInt(text.substring(start, at));
    if (value > MAX_COUNT) {
      throw error("numbers above " + MAX_COUNT + " are not supported");
    }
    return value;
  }

  private Regex atom() {
    int codePoint = text.codePointAt(at);
    switch (codePoint) {
      case '(' -> {
        return group();
      }
      case '[' -> {
        at++;
        return new Regex.Characters(bracket().inside());
      }
      case '\\' -> {
        at++;
        return new Regex.Characters(escape(false).inside());
      }
      case '.' -> {
        at++;
        return new Regex.Characters(DOT);
      }
      case '^', '$' -> throw error("'" + text.charAt(at) + "' is supported only at the ends");
      case '*', '+', '?', '{' -> throw error("there is nothing to repeat");
      default -> {
        at += Character.charCount(codePoint);
        return new Regex.Characters(CodePoints.of(codePoint, codePoint));
      }
    }
  }

  private Regex group() {
    if (++depth > MAX_DEPTH) {
      throw error("groups within each other are supported up to " + MAX_DEPTH);
    }
    int open = at++;
    if (take('?')) {
      if (text.startsWith("<=", at) || text.startsWith("<!", at)) {
        at = open;
        throw error("lookbehind is not supported");
      }
      if (at < text.length() && (peek() == '=' || peek() == '!')) {
        at = open;
        throw error("lookahead is not supported");
      }
      int name = text.indexOf('>', at);
      if (at < text.length() && peek() == '<' && name > 0) {
        at = name + 1;
      } else if (!take(':')) {
        at = open;
        throw error("this kind of group is not supported");
      }
    }
    Regex inner = choice();
    if (!take(')')) {
      at = open;
      throw error("the group is not closed");
    }
    depth--;
    return inner;
  }

  /** A class in brackets, behind the first of them. */
  private CharacterClass bracket() {
    int open = at - 1;
    boolean negated = take('^');
    List<CharacterClass> all = new ArrayList<>();
    while (at < text.length() && peek() != ']') {
      int start = at;
      CharacterClass low = member();
      boolean isRange = at + 1 < text.length() && peek() == '-' && text.charAt(at + 1) != ']';
      if (!isRange) {
        all.add(low);
        continue;
      }
      at++;
      CharacterClass high = member();
      if (!isOne(low) || !isOne(high) || first(low) > first(high)) {
        at = start;
        throw error("the range is none");
      }
      all.add(CharacterClass.of(CodePoints.of(first(low), first(high))));
    }
    if (!take(']')) {
      at = open;
      throw error("the class is not closed");
    }
    CharacterClass members = CharacterClass.union(all);
    return negated ? members.negated() : members;
  }

  private static boolean isOne(CharacterClass members) {
    List<CodePoints.Range> ranges = members.inside().ranges();
    return ranges.size() == 1 && ranges.getFirst().low() == ranges.getFirst().high();
  }

  private static int first(CharacterClass members) {
    return members.inside().ranges().getFirst().low();
  }

  private CharacterClass member() {
    int codePoint = text.codePointAt(at);
    at += Character.charCount(codePoint);
    return codePoint == '\\' ? escape(true) : one(codePoint);
  }

  private static CharacterClass one(int codePoint) {
    return CharacterClass.of(CodePoints.of(codePoint, codePoint));
  }

  /** What follows a backslash. */
  private CharacterClass escape(boolean inClass) {
    if (at == text.length()) {
      throw error("nothing follows the backslash");
    }
    char c = text.charAt(at++);
    switch (c) {
      case 'd' -> {
        return CharacterClass.DIGITS;
      }
      case 'D' -> {
        return CharacterClass.DIGITS.negated();
      }
      case 'w' -> {
        return CharacterClass.WORD;
      }
      case 'W' -> {
        return CharacterClass.WORD.negated();
      }
      case 's' -> {
        return CharacterClass.SPACE;
      }
      case 'S' -> {
        return CharacterClass.SPACE.negated();
      }
      case 't', 'n', 'r', 'f', 'v' -> {
        int codePoint = "\t\n\r\f\u000b".charAt("tnrfv".indexOf(c));
        return one(codePoint);
      }
      case 'x' -> {
        return hexadecimal(2);
      }
      case 'u' -> {
        return unicode();
      }
      case 'b' -> {
        if (inClass) {
          return one('\b');
        }
        at -= 2;
        throw error("word boundaries are not supported");
      }
      default -> {
        if (Character.isLetterOrDigit(c)) {
          at -= 2;
          throw error(
              c >= '1' && c <= '9' || c == 'k'
                  ? "backreferences are not supported"
                  : "the escape '\\" + c + "' is not supported");
        }
        at--;
        int codePoint = text.codePointAt(at);
        at += Character.charCount(codePoint);
        return one(codePoint);
      }
    }
  }

  private CharacterClass unicode() {
    if (!take('{')) {
      return hexadecimal(4);
    }
    int end = text.indexOf('}', at);
    CharacterClass point = hexadecimal(Math.clamp(end - at, 1, 6));
    if (!take('}')) {
      throw error("'}' is missing");
    }
    return point;
  }

  private CharacterClass hexadecimal(int digits) {
    int end = Math.min(text.length(), at + digits);
    int value = 0;
    for (int i = at; i < end; i++) {
      int digit = Character.digit(text.charAt(i), 16);
      value = digit < 0 ? -1 : value < 0 ? value : value << 4 | digit;
    }
    boolean isCharacter = value >= 0 && value <= Character.MAX_CODE_POINT;
    if (end - at < digits || !isCharacter || (value >= 0xd800 && value <= 0xdfff)) {
      throw error("the escape is no character");
    }
    at = end;
    return one(value);
  }

  private char peek() {
    return text.charAt(at);
  }

  private boolean take(char c) {
    boolean there = at < text.length() && peek() == c;
    at += there ? 1 : 0;
    return there;
  }

  private UnsupportedRegexException error(String message) {
    return new UnsupportedRegexException(message + ", at position " + at);
  }
}
