package dev.kappa.text.jinja;

import dev.kappa.text.jinja.Token.Kind;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Recognises the tokens within a tag. */
final class TagLexer {

  private static final Pattern TOKEN =
      Pattern.compile(
          """
          (?<float>\\d[\\d_]*(?:(?:\\.\\d[\\d_]*)?[eE][+-]?\\d[\\d_]*|\\.\\d[\\d_]*))\
          |(?<integer>0[bB][01_]+|0[oO][0-7_]+|0[xX][0-9a-fA-F_]+|\\d[\\d_]*)\
          |(?<name>[\\p{L}_][\\p{L}\\p{N}_]*)\
          |(?<string>'(?:[^'\\\\]|\\\\.)*+'|"(?:[^"\\\\]|\\\\.)*+")\
          |(?<operator>//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}<>=.:|,;])\
          """,
          Pattern.DOTALL);

  private TagLexer() {}

  static Token next(String source, int at, int line) {
    Matcher matcher = match(source, at);
    if (!matcher.lookingAt()) {
      char c = source.charAt(at);
      throw new JinjaException(
          line, c == '"' || c == '\'' ? "string without end" : "unexpected character '" + c + "'");
    }
    String text = matcher.group();
    if (matcher.group("float") != null) {
      return new Token(Kind.FLOAT, text.replace("_", ""), line);
    }
    if (matcher.group("integer") != null) {
      return new Token(Kind.INTEGER, text.replace("_", ""), line);
    }
    if (matcher.group("name") != null) {
      return new Token(Kind.NAME, text, line);
    }
    if (matcher.group("string") != null) {
      return new Token(Kind.STRING, unescape(text.substring(1, text.length() - 1), line), line);
    }
    return new Token(Kind.OPERATOR, text, line);
  }

  /** Where the token at a position ends. */
  static int end(String source, int at) {
    Matcher matcher = match(source, at);
    return matcher.lookingAt() ? matcher.end() : at;
  }

  private static Matcher match(String source, int at) {
    return TOKEN.matcher(source).region(at, source.length());
  }

  /** Python's escapes; an unknown one stays as it is written. */
  private static String unescape(String text, int line) {
    if (text.indexOf('\\') < 0) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '\\') {
        out.append(c);
        continue;
      }
      char kind = text.charAt(++i);
      int simple = "\\'\"abfnrtv\n".indexOf(kind);
      if (simple >= 0) {
        out.append(
            new String[] {"\\", "'", "\"", "\u0007", "\b", "\f", "\n", "\r", "\t", "\u000B", ""}
                [simple]);
      } else if (kind == 'x' || kind == 'u' || kind == 'U') {
        int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
        out.appendCodePoint(hex(text, i + 1, digits, line));
        i += digits;
      } else if (kind >= '0' && kind <= '7') {
        int end = i + 1;
        while (end < text.length()
            && end < i + 3
            && text.charAt(end) >= '0'
            && text.charAt(end) <= '7') {
          end++;
        }
        out.append((char) Integer.parseInt(text.substring(i, end), 8));
        i = end - 1;
      } else {
        out.append(c).append(kind);
      }
    }
    return out.toString();
  }

  private static int hex(String text, int from, int digits, int line) {
    int value = 0;
    for (int i = from; i < from + digits; i++) {
      int digit = i < text.length() ? Character.digit(text.charAt(i), 16) : -1;
      if (digit < 0 || value > Character.MAX_CODE_POINT >> 4) {
        throw new JinjaException(line, "broken escape in a string");
      }
      value = value << 4 | digit;
    }
    return value;
  }
}
