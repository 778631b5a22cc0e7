package dev.kappa.text;

/**
 * Decodes UTF-8 byte by byte. Each maximal part of a sequence that cannot be completed becomes one
 * U+FFFD (the Unicode Standard, chapter 3, "U+FFFD Substitution of Maximal Subparts"), as in the
 * native tokenizer; Java's own decoder merges some. Not thread-safe.
 */
final class Utf8Stream {

  private static final char REPLACEMENT = '\uFFFD';

  private int missing;
  private int codePoint;
  private int lowest = 0x80;
  private int highest = 0xBF;

  /** Decodes a whole array. */
  static String decode(byte[] bytes) {
    Utf8Stream stream = new Utf8Stream();
    StringBuilder out = new StringBuilder(bytes.length);
    stream.append(bytes, out);
    stream.finish(out);
    return out.toString();
  }

  /** Takes bytes and writes the characters that they complete. */
  void append(byte[] bytes, StringBuilder out) {
    for (byte value : bytes) {
      append(Byte.toUnsignedInt(value), out);
    }
  }

  /** Ends the text; an open sequence becomes one U+FFFD. */
  void finish(StringBuilder out) {
    if (missing > 0) {
      missing = 0;
      out.append(REPLACEMENT);
    }
  }

  private void append(int value, StringBuilder out) {
    if (missing > 0) {
      if (value >= lowest && value <= highest) {
        next(value, out);
        return;
      }
      missing = 0;
      out.append(REPLACEMENT);
    }
    if (value < 0x80) {
      out.append((char) value);
    } else if (value >= 0xC2 && value <= 0xF4) {
      start(value);
    } else {
      out.append(REPLACEMENT);
    }
  }

  private void next(int value, StringBuilder out) {
    codePoint = codePoint << 6 | (value & 0x3F);
    lowest = 0x80;
    highest = 0xBF;
    if (--missing == 0) {
      out.appendCodePoint(codePoint);
    }
  }

  private void start(int value) {
    missing = value < 0xE0 ? 1 : value < 0xF0 ? 2 : 3;
    codePoint = value & (0x3F >> missing);
    // Overlong forms, surrogates and values above U+10FFFF end at their second byte.
    lowest = value == 0xE0 ? 0xA0 : value == 0xF0 ? 0x90 : 0x80;
    highest = value == 0xED ? 0x9F : value == 0xF4 ? 0x8F : 0xBF;
  }
}
