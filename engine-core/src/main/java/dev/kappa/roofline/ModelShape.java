package dev.kappa.roofline;

/**
 * The sizes of a decoder-only transformer that decide what a token costs. All are as in the model's
 * description, whether or not Kappa can run it.
 *
 * @param layers transformer layers
 * @param hidden width of the residual stream
 * @param vocabulary rows of the embedding
 * @param tied whether the output projection is the embedding
 * @param attention of each layer
 * @param feedForward of all layers
 * @param window tokens that layers with a sliding window see; 0 if none has one
 * @param windowedLayers layers with a sliding window
 * @param kv how the cache keeps keys and values
 */
public record ModelShape(
    int layers,
    int hidden,
    int vocabulary,
    boolean tied,
    Attention attention,
    FeedForward feedForward,
    int window,
    int windowedLayers,
    KvType kv) {

  public ModelShape {
    requirePositive(layers, hidden, vocabulary, window + 1, windowedLayers + 1);
    if (windowedLayers > layers || (windowedLayers > 0) != (window > 0)) {
      throw new IllegalArgumentException(
          "%d of %d layers have a window of %d".formatted(windowedLayers, layers, window));
    }
  }

  /** A model in which all layers see everything. */
  public ModelShape(
      int layers,
      int hidden,
      int vocabulary,
      boolean tied,
      Attention attention,
      FeedForward feedForward,
      KvType kv) {
    this(layers, hidden, vocabulary, tied, attention, feedForward, 0, 0, kv);
  }

  /** A model with one feed-forward part for all tokens, as Llama. */
  public static ModelShape dense(
      int layers,
      int hidden,
      int intermediate,
      int heads,
      int kvHeads,
      int headDim,
      int vocabulary,
      boolean tied,
      KvType kv) {
    Attention attention = new Attention.Grouped(heads, kvHeads, headDim);
    FeedForward feedForward = new FeedForward.Dense(intermediate);
    return new ModelShape(layers, hidden, vocabulary, tied, attention, feedForward, kv);
  }

  /** The same model with another cache. */
  public ModelShape withKv(KvType value) {
    return new ModelShape(
        layers, hidden, vocabulary, tied, attention, feedForward, window, windowedLayers, value);
  }

  /** Parameters of the checkpoint. */
  public long parameters() {
    return outsideFeedForward() + feedForward.parameters(layers, hidden);
  }

  /**
   * Parameters that take part in one token's forward pass, P. Both embeddings are among them, as in
   * the usual counts, though looking up a row takes no arithmetic and a prefill needs the output
   * projection for its last token only.
   */
  public long activeParameters() {
    return outsideFeedForward() + feedForward.activeParameters(layers, hidden);
  }

  private long outsideFeedForward() {
    long embeddings = (long) vocabulary * hidden * (tied ? 1 : 2);
    return layers * (attention.parameters(hidden) + 2L * hidden) + embeddings + hidden;
  }

  /**
   * KV bytes of one token over all layers, b. With grouped heads that is {@code 2 · layers ·
   * kvHeads · headDim · bytes}, with latent attention {@code layers · (kvRank + ropeDim) · bytes}.
   */
  public long kvBytesPerToken() {
    return layers * kv.bytes(attention);
  }

  /** KV bytes that a context of so many tokens needs: layers with a window keep no more than it. */
  public double kvBytes(double tokens) {
    double kept = (layers - windowedLayers) * tokens + windowedLayers * Math.min(tokens, window);
    return kept * kv.bytes(attention);
  }

  /** FLOPs that one new token spends on one token that all layers see, a. */
  public long attentionFlopsPerPair() {
    return layers * attention.flopsPerPair();
  }

  /**
   * FLOPs of a prefill: {@code T · 2P + a · T · (K + T / 2)}. Every new token takes a
   * multiplication and an addition per active parameter, and sees all cached tokens and on average
   * half of the new ones (arXiv 2601.19910 has the first term); layers with a window see no more
   * than it.
   *
   * @param newTokens T, the tokens to compute
   * @param cachedTokens K, the tokens before them whose KV is there
   */
  public double flops(double newTokens, double cachedTokens) {
    return flopsWithoutAttention(newTokens) + attentionFlops(newTokens, cachedTokens);
  }

  /** The first term of {@link #flops}. */
  public double flopsWithoutAttention(double newTokens) {
    return 2.0 * activeParameters() * newTokens;
  }

  /** The second term of {@link #flops}. */
  public double attentionFlops(double newTokens, double cachedTokens) {
    double pairs = newTokens * (cachedTokens + newTokens / 2);
    double seen = (layers - windowedLayers) * pairs;
    if (windowedLayers > 0) {
      seen += windowedLayers * (sum(cachedTokens + newTokens) - sum(cachedTokens));
    }
    return attention.flopsPerPair() * seen;
  }

  /** What the tokens before a position see within the window, summed up. */
  private double sum(double position) {
    double within = Math.min(position, window);
    return within * within / 2 + (position - within) * window;
  }

  static void requirePositive(int... sizes) {
    for (int size : sizes) {
      if (size <= 0) {
        throw new IllegalArgumentException("all sizes of a model are positive");
      }
    }
  }
}
