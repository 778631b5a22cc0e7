package dev.kappa.roofline;

/**
 * The sizes of a decoder-only transformer that decide what a token costs.
 *
 * @param layers transformer layers
 * @param hidden width of the residual stream
 * @param intermediate width of the feed-forward layer
 * @param heads query heads
 * @param kvHeads key and value heads
 * @param headDim elements per head
 * @param vocabulary rows of the embedding
 * @param tied whether the output projection is the embedding
 * @param kvElementBytes bytes of a key's or value's element in KV blocks
 * @param activeParameters parameters that take part in one token's forward pass, P below
 */
public record ModelShape(
    int layers,
    int hidden,
    int intermediate,
    int heads,
    int kvHeads,
    int headDim,
    int vocabulary,
    boolean tied,
    int kvElementBytes,
    long activeParameters) {

  public ModelShape {
    long smallest = Math.min(Math.min(layers, hidden), Math.min(intermediate, heads));
    smallest = Math.min(smallest, Math.min(Math.min(kvHeads, headDim), vocabulary));
    smallest = Math.min(smallest, Math.min(kvElementBytes, activeParameters));
    if (smallest <= 0) {
      throw new IllegalArgumentException("all sizes of a model are positive");
    }
    if (heads % kvHeads != 0) {
      throw new IllegalArgumentException(heads + " heads over " + kvHeads + " KV heads");
    }
  }

  /**
   * A model in which every parameter is active: attention, gated feed-forward part and two norms
   * per layer, embedding, output projection and a last norm.
   */
  public static ModelShape dense(
      int layers,
      int hidden,
      int intermediate,
      int heads,
      int kvHeads,
      int headDim,
      int vocabulary,
      boolean tied,
      int kvElementBytes) {
    long attention = (long) hidden * headDim * (2L * heads + 2L * kvHeads);
    long feedForward = 3L * hidden * intermediate;
    long embeddings = (long) vocabulary * hidden * (tied ? 1 : 2);
    long parameters = layers * (attention + feedForward + 2L * hidden) + embeddings + hidden;
    return new ModelShape(
        layers,
        hidden,
        intermediate,
        heads,
        kvHeads,
        headDim,
        vocabulary,
        tied,
        kvElementBytes,
        parameters);
  }

  /** KV bytes of one token over all layers: {@code 2 · layers · kvHeads · headDim · bytes}. */
  public long kvBytesPerToken() {
    return 2L * layers * kvHeads * headDim * kvElementBytes;
  }

  /**
   * FLOPs that one new token spends on one token that it sees: {@code a = 4 · layers · heads ·
   * headDim}, a multiplication and an addition each for the score and for the weighted sum.
   */
  public long attentionFlopsPerPair() {
    return 4L * layers * heads * headDim;
  }

  /**
   * FLOPs of a prefill: {@code T · 2P + a · T · (K + T / 2)}. Every new token takes a
   * multiplication and an addition per active parameter, and sees all cached tokens and on average
   * half of the new ones (arXiv 2601.19910).
   *
   * @param newTokens T, the tokens to compute
   * @param cachedTokens K, the tokens before them whose KV is there
   */
  public double flops(long newTokens, long cachedTokens) {
    double linear = 2.0 * activeParameters * newTokens;
    return linear + attentionFlopsPerPair() * (double) newTokens * (cachedTokens + newTokens / 2.0);
  }
}
