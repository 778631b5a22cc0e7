package dev.kappa.text;

import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/** A model's tokenizer. Thread-safe. */
public interface Tokenizer extends AutoCloseable {

  /** Entries, added tokens included. */
  int vocabularySize();

  /**
   * Encodes text; special tokens written out in it are recognised.
   *
   * @param addSpecialTokens whether the tokenizer's own prefix and suffix (such as BOS) are added
   */
  int[] encode(String text, boolean addSpecialTokens);

  /**
   * Encodes text in which special tokens mean nothing: one that is written out is text like any
   * other. Nothing is added around the text.
   */
  default int[] encodeLiterally(String text) {
    return encode(text, false);
  }

  /** Decodes tokens; bytes that are not valid UTF-8 become U+FFFD. */
  String decode(int[] tokens, boolean skipSpecialTokens);

  /**
   * A token's own entry as it shows in log probabilities, for example {@code " holds"}; broken
   * bytes as U+FFFD, empty for an id without an entry.
   */
  String tokenText(int token);

  /** The bytes a token stands for, which need not be whole characters. */
  default byte[] tokenBytes(int token) {
    return tokenText(token).getBytes(StandardCharsets.UTF_8);
  }

  /** Whether a token is a mark for the model and no text, such as those between turns. */
  default boolean isSpecial(int token) {
    return false;
  }

  /** The id of an entry written exactly so, special tokens included. */
  OptionalInt tokenId(String entry);

  /** A decoder for one growing sequence. */
  TokenDecoder newDecoder(boolean skipSpecialTokens);

  @Override
  void close();
}
