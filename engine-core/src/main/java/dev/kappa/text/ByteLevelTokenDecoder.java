package dev.kappa.text;

/** Decodes byte-level tokens: their bytes joined are UTF-8. Not thread-safe. */
final class ByteLevelTokenDecoder implements TokenDecoder {

  private final Vocabulary vocabulary;
  private final boolean skipSpecialTokens;
  private final Utf8Stream utf8 = new Utf8Stream();

  ByteLevelTokenDecoder(Vocabulary vocabulary, boolean skipSpecialTokens) {
    this.vocabulary = vocabulary;
    this.skipSpecialTokens = skipSpecialTokens;
  }

  @Override
  public String append(int token) {
    String entry = vocabulary.entry(token);
    if (entry == null || (skipSpecialTokens && vocabulary.isSpecial(token))) {
      return "";
    }
    StringBuilder out = new StringBuilder();
    utf8.append(ByteLevel.bytes(entry), out);
    return out.toString();
  }

  @Override
  public String finish() {
    StringBuilder out = new StringBuilder();
    utf8.finish(out);
    return out.toString();
  }
}
