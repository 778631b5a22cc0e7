package dev.kappa.sample;

import java.lang.foreign.MemorySegment;

/**
 * Log probabilities under the softmax of a row of raw logits, summed in double. Scratch is
 * allocated once; not thread-safe.
 */
public final class Logprobs {

  private final LogitsRow row;
  private final TopTokens topTokens = new TopTokens();

  /** For rows of so many logits. */
  public Logprobs(int vocabularySize) {
    this.row = new LogitsRow(vocabularySize);
  }

  /**
   * The log probability of one token and of the most likely ones; -infinity where the logit is.
   *
   * @param logits 32-bit floats {@code [rows][vocabularySize]}
   * @param row which row
   * @param token the chosen (or prompt) token
   * @param top how many of the most likely tokens, the lower index first among equals; at most the
   *     whole vocabulary is given
   * @throws BadLogitsException if the row holds NaN or +infinity, or only -infinity
   * @throws IndexOutOfBoundsException if the row lies outside of {@code logits}, or the token
   *     outside of the vocabulary
   */
  public TokenLogprob of(MemorySegment logits, int row, int token, int top) {
    this.row.load(logits, row);
    float[] values = this.row.values();
    float max = this.row.max();
    double sum = 0;
    float own = values[token];
    int rank = 1;
    for (float value : values) {
      rank += value > own ? 1 : 0;
      sum += Math.exp((double) value - max);
    }
    double logSum = Math.log(sum);
    topTokens.select(values, top);
    topTokens.sort();
    int[] tokens = new int[topTokens.size()];
    float[] logprobs = new float[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = topTokens.token(i);
      logprobs[i] = (float) ((double) values[tokens[i]] - max - logSum);
    }
    return new TokenLogprob(token, (float) ((double) own - max - logSum), rank, tokens, logprobs);
  }
}
