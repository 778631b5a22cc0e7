package dev.kappa.server.openai;

import dev.kappa.server.http.ApiError;
import dev.kappa.server.http.ApiException;

/**
 * How much one call of the tokenizer is asked for. It takes native memory, more than a hundred
 * bytes for each character of a text, and cannot be interrupted, so a text that no context holds
 * must not reach it.
 */
final class TokenizerLimits {

  /** What the context does not bound: a short one is no reason to refuse counting tokens. */
  private static final int ALWAYS_ALLOWED = 1 << 20;

  /** Far above any text's mean; single tokens may have more. */
  private static final int CHARACTERS_PER_TOKEN = 64;

  private TokenizerLimits() {}

  /**
   * Refuses a text that is too long to be tokenized.
   *
   * @param maxLength longest sequence in tokens
   */
  static void check(String text, int maxLength, String path) {
    long limit = Math.max(ALWAYS_ALLOWED, (long) CHARACTERS_PER_TOKEN * maxLength);
    if (text.length() > limit) {
      throw new ApiException(
          ApiError.badField(
              path,
              "context_length_exceeded",
              "the text has %d characters; for a context of %d tokens at most %d are tokenized"
                  .formatted(text.length(), maxLength, limit)));
    }
  }

  /** How many tokens are turned into text at once. */
  static int tokens(int maxLength) {
    return Math.max(ALWAYS_ALLOWED, maxLength);
  }
}
