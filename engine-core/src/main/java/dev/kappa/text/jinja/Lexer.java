package dev.kappa.text.jinja;

import dev.kappa.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts template source into tokens and settles all whitespace control: {@code -} and {@code +}
 * signs, {@code trim_blocks} (the newline after a block tag or comment goes), {@code lstrip_blocks}
 * (blanks between the start of a line and a block tag or comment go), and the newline at the end of
 * the template (which goes). Used once.
 */
final class Lexer {

  private static final Pattern RAW =
      Pattern.compile("\\{%[-+]?\\s*raw\\s*(?:-%\\}\\s*|%\\})", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern END_RAW =
      Pattern.compile(
          "\\{%([-+]?)\\s*endraw\\s*(?:\\+%\\}|-%\\}\\s*|%\\}\\n?)",
          Pattern.UNICODE_CHARACTER_CLASS);

  private final String source;
  private final TagLexer tagLexer;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;
  private int lineCountedTo;

  /** Whether the last tag's own text ended with a newline. */
  private boolean lineStarting = true;

  private Lexer(String source) {
    this.source = source;
    this.tagLexer = new TagLexer(source);
  }

  /**
   * All tokens, the last of kind {@code END}.
   *
   * @throws JinjaException if a tag is not closed or holds something that is no token
   */
  static List<Token> lex(String source) {
    String normalized = source.replace("\r\n", "\n").replace('\r', '\n');
    if (normalized.endsWith("\n")) {
      normalized = normalized.substring(0, normalized.length() - 1);
    }
    Lexer lexer = new Lexer(normalized);
    lexer.run();
    return lexer.tokens;
  }

  private void run() {
    while (at < source.length()) {
      int tag = nextTag();
      if (tag < 0) {
        data(source.substring(at));
        at = source.length();
        break;
      }
      char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
      boolean variable = source.charAt(tag + 1) == '{';
      data(stripBefore(source.substring(at, tag), sign, variable));
      at = tag;
      Matcher raw = RAW.matcher(source).region(tag, source.length());
      if (raw.lookingAt()) {
        at = raw.end();
        rawData();
        continue;
      }
      int begin = tag + (sign == '-' || sign == '+' ? 3 : 2);
      if (source.charAt(tag + 1) == '#') {
        comment(begin);
      } else {
        add(variable ? Kind.VARIABLE_BEGIN : Kind.BLOCK_BEGIN, source.substring(tag, tag + 2), tag);
        at = begin;
        tag(variable);
      }
    }
    add(Kind.END, "", source.length());
  }

  private int nextTag() {
    for (int i = source.indexOf('{', at);
        i >= 0 && i + 1 < source.length();
        i = source.indexOf('{', i + 1)) {
      char next = source.charAt(i + 1);
      if (next == '{' || next == '%' || next == '#') {
        return i;
      }
    }
    return -1;
  }

  private String stripBefore(String text, char sign, boolean variable) {
    if (sign == '-') {
      return Chars.stripEnd(text);
    }
    int lineStart = text.lastIndexOf('\n') + 1;
    boolean startsLine = lineStart > 0 || lineStarting;
    boolean strips = sign != '+' && !variable && startsLine;
    return strips && Chars.strip(text.substring(lineStart)).isEmpty()
        ? text.substring(0, lineStart)
        : text;
  }

  private void comment(int begin) {
    int end = source.indexOf("#}", begin);
    if (end < 0) {
      throw new JinjaException(lineOf(at), "comment without end");
    }
    char sign = end > begin ? source.charAt(end - 1) : ' ';
    at = end;
    closeTag(sign == '-' || sign == '+' ? sign : ' ', true);
  }

  private void rawData() {
    Matcher end = END_RAW.matcher(source);
    if (!end.find(at)) {
      throw new JinjaException(lineOf(at), "raw block without end");
    }
    String sign = end.group(1);
    lineStarting = false;
    data(
        stripBefore(
            source.substring(at, end.start()), sign.isEmpty() ? ' ' : sign.charAt(0), false));
    at = end.end();
    lineStarting = source.charAt(at - 1) == '\n';
  }

  /** Moves past the two closing characters and the whitespace that they take along. */
  private void closeTag(char sign, boolean trimNewline) {
    at += 2;
    int end = at;
    if (sign == '-') {
      end = Chars.skipSpace(source, at);
    } else if (sign != '+' && trimNewline && source.startsWith("\n", at)) {
      end = at + 1;
    }
    at = end;
    lineStarting = source.charAt(at - 1) == '\n';
  }

  private void tag(boolean variable) {
    String close = variable ? "}}" : "%}";
    int begin = at;
    int open = 0;
    while (true) {
      at = Chars.skipSpace(source, at);
      if (at >= source.length()) {
        throw new JinjaException(lineOf(begin), "tag without end, '%s' expected".formatted(close));
      }
      char c = source.charAt(at);
      boolean signed = c == '-' || (c == '+' && !variable);
      if (open == 0 && source.startsWith(close, signed ? at + 1 : at)) {
        at = signed ? at + 1 : at;
        add(variable ? Kind.VARIABLE_END : Kind.BLOCK_END, close, at);
        closeTag(signed ? c : ' ', !variable);
        return;
      }
      Token token = tagLexer.next(at, lineOf(at));
      at = tagLexer.end();
      tokens.add(token);
      if (token.kind() == Kind.OPERATOR) {
        open += "([{".contains(token.text()) ? 1 : ")]}".contains(token.text()) ? -1 : 0;
      }
    }
  }

  private void data(String text) {
    if (!text.isEmpty()) {
      add(Kind.DATA, text, at);
    }
  }

  private void add(Kind kind, String text, int position) {
    tokens.add(new Token(kind, text, lineOf(position)));
  }

  /** Positions must not decrease. */
  private int lineOf(int position) {
    for (; lineCountedTo < position; lineCountedTo++) {
      if (source.charAt(lineCountedTo) == '\n') {
        line++;
      }
    }
    return line;
  }
}
