package dev.kappa.text;

import java.util.Arrays;
import java.util.OptionalInt;

/**
 * Stands in where a model has no tokenizer, as random weights for benchmarks do: the text of a
 * token is a space and its id. Stateless, thread-safe.
 */
public record NumericTokenizer(int vocabularySize) implements Tokenizer {

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    if (text.isBlank()) {
      return new int[0];
    }
    return Arrays.stream(text.strip().split("\\s+")).mapToInt(this::parse).toArray();
  }

  @Override
  public String decode(int[] tokens, boolean skipSpecialTokens) {
    StringBuilder text = new StringBuilder();
    for (int token : tokens) {
      text.append(tokenText(token));
    }
    return text.toString();
  }

  @Override
  public String tokenText(int token) {
    return " " + token;
  }

  @Override
  public OptionalInt tokenId(String entry) {
    try {
      int id = Integer.parseInt(entry.strip());
      return id >= 0 && id < vocabularySize ? OptionalInt.of(id) : OptionalInt.empty();
    } catch (NumberFormatException e) {
      return OptionalInt.empty();
    }
  }

  @Override
  public TokenDecoder newDecoder(boolean skipSpecialTokens) {
    return new TokenDecoder() {
      @Override
      public String append(int token) {
        return tokenText(token);
      }

      @Override
      public String finish() {
        return "";
      }
    };
  }

  @Override
  public void close() {}

  private int parse(String word) {
    return tokenId(word)
        .orElseThrow(() ->
            new TextException(
                "'%s' is no token id below %d; this model has no tokenizer"
                    .formatted(word, vocabularySize)));
  }
}
