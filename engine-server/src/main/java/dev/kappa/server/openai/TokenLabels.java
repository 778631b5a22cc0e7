package dev.kappa.server.openai;

import dev.kappa.text.Tokenizer;

/**
 * How tokens are written in log probabilities.
 *
 * @param asIds whether as {@code token_id:17}, which tells apart tokens that look the same
 */
record TokenLabels(Tokenizer tokenizer, boolean asIds) {

  private static final double FLOOR = -9999;

  String of(int token) {
    return asIds ? "token_id:" + token : tokenizer.tokenText(token);
  }

  /** A log probability that JSON can hold: minus infinity becomes -9999, as in vLLM. */
  static double finite(float logprob) {
    // Through the decimal form, so that 0.1f is written 0.1 and not 0.10000000149011612.
    return logprob < FLOOR ? FLOOR : Double.parseDouble(Float.toString(logprob));
  }
}
