package dev.kappa.text.jinja;

import dev.kappa.text.jinja.Token.Kind;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Recognises the tokens within tags. */
final class TagLexer {

  private static final Pattern TOKEN =
      Pattern.compile(
          """
          (?<float>DIGITS(?:(?:\\.DIGITS)?[eE][+-]?DIGITS|\\.DIGITS))\
          |(?<integer>0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+\
          |[1-9](?:_?\\d)*|0(?:_?0)*)\
          |(?<name>[\\p{L}_][\\p{L}\\p{N}_]*)\
          |(?<operator>//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}<>=.:|,;])\
          """
              .replace("DIGITS", "(?:\\d+_)*\\d+"));

  private final String source;
  private final Matcher matcher;
  private int end;

  TagLexer(String source) {
    this.source = source;
    this.matcher = TOKEN.matcher(source);
  }

  /** The token at a position. */
  Token next(int at, int line) {
    char first = source.charAt(at);
    if (first == '"' || first == '\'') {
      end = endOfString(at, line);
      return new Token(Kind.STRING, unescape(source.substring(at + 1, end - 1), line), line);
    }
    if (!matcher.region(at, source.length()).lookingAt()) {
      throw new JinjaException(line, "unexpected character '" + first + "'");
    }
    end = matcher.end();
    String text = matcher.group();
    if (matcher.group("float") != null) {
      return new Token(Kind.FLOAT, text.replace("_", ""), line);
    }
    if (matcher.group("integer") != null) {
      return new Token(Kind.INTEGER, text.replace("_", ""), line);
    }
    return new Token(matcher.group("name") != null ? Kind.NAME : Kind.OPERATOR, text, line);
  }

  /** Where the last token ended. */
  int end() {
    return end;
  }

  private int endOfString(int at, int line) {
    char quote = source.charAt(at);
    for (int i = at + 1; i < source.length(); i++) {
      char c = source.charAt(i);
      if (c == quote) {
        return i + 1;
      }
      i += c == '\\' ? 1 : 0;
    }
    throw new JinjaException(line, "string without end");
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
