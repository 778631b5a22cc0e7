package dev.kappa.text;

/**
 * Decodes a growing sequence of tokens piece by piece. The pieces joined equal the decoding of the
 * whole, and no piece ends inside a character. Not thread-safe.
 */
public interface TokenDecoder {

  /** The text that became certain with this token; often empty within a multi-byte character. */
  String append(int token);

  /** What is still held back at the end, broken bytes as U+FFFD. */
  String finish();
}
