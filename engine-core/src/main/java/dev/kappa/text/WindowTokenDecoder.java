package dev.kappa.text;

import java.util.Arrays;

/**
 * Decodes with the native decoder over a sliding window: what a token adds is the text of the
 * window with it less the text without it. The window starts with tokens already given out, because
 * decoders treat a text's first token apart (its leading space). Not thread-safe.
 *
 * <p>A run of byte entries is held back until another token ends it: the native decoder turns a run
 * into characters only if the whole of it is valid UTF-8, and into one U+FFFD per byte otherwise.
 */
final class WindowTokenDecoder implements TokenDecoder {

  private final NativeTokenizer tokenizer;
  private final Vocabulary vocabulary;
  private final boolean skipSpecialTokens;

  private long[] window = new long[16];
  private int size;

  /** How many tokens of the window are given out already, and their text. */
  private int given;

  private String givenText = "";

  WindowTokenDecoder(NativeTokenizer tokenizer, Vocabulary vocabulary, boolean skipSpecialTokens) {
    this.tokenizer = tokenizer;
    this.vocabulary = vocabulary;
    this.skipSpecialTokens = skipSpecialTokens;
  }

  @Override
  public String append(int token) {
    String entry = vocabulary.entry(token);
    // The native decoder drops these before it looks at neighbours.
    if (entry == null || (skipSpecialTokens && vocabulary.isSpecial(token))) {
      return "";
    }
    if (size == window.length) {
      window = Arrays.copyOf(window, 2 * size);
    }
    window[size++] = token;
    if (vocabulary.decoder().fallbackByte(entry) >= 0) {
      return "";
    }
    String piece = newText();
    if (!piece.isEmpty()) {
      slide();
    }
    return piece;
  }

  @Override
  public String finish() {
    String piece = newText();
    size = 0;
    given = 0;
    givenText = "";
    return piece;
  }

  private String newText() {
    return size == given ? "" : text().substring(givenText.length());
  }

  /** Drops the tokens of the last step; those of this step become the context of the next. */
  private void slide() {
    System.arraycopy(window, given, window, 0, size - given);
    size -= given;
    given = size;
    givenText = text();
  }

  private String text() {
    return tokenizer.decode(Arrays.copyOf(window, size), skipSpecialTokens);
  }
}
