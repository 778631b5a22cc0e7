package dev.kappa.server.openai;

import dev.kappa.text.TokenDecoder;

/**
 * Where each token's text begins in a choice's text, in characters (code points, as Python counts).
 * A token inside a character begins where the character does. Not thread-safe.
 */
final class TextOffsets {

  private final TokenDecoder decoder;
  private int offset;

  /**
   * @param start characters before the first token; negative if so many characters of the tokens'
   *     text are not part of the choice's text
   */
  TextOffsets(TokenDecoder decoder, int start) {
    this.decoder = decoder;
    this.offset = start;
  }

  /** The offset of the token that follows those already given. */
  int next(int token) {
    int begin = offset;
    offset += length(decoder.append(token));
    return Math.max(0, begin);
  }

  static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
