package dev.kappa.roofline;

/** One layer's attention, as far as it decides what a token costs. */
public sealed interface Attention {

  /**
   * Parameters of the projections and norms of one layer.
   *
   * @param hidden width of the residual stream
   */
  long parameters(int hidden);

  /** Elements that a cache keeps of one token in one layer. */
  long kvElements();

  /** Vectors that these elements form; a quantized cache keeps a scale for each. */
  int kvVectors();

  /** FLOPs that one new token spends in one layer on one token that it sees. */
  long flopsPerPair();

  /** Over how many devices a layer's cache can be divided; beyond that it is repeated. */
  int kvParts();

  /**
   * Attention with several query heads to each head of keys and values; multi-head attention if
   * there are as many of both.
   *
   * @param heads query heads
   * @param kvHeads key and value heads
   * @param headDim elements per head
   * @param biases whether the projections to queries, keys and values have biases (Qwen2)
   * @param norms whether query and key heads are normed (Qwen3)
   */
  record Grouped(int heads, int kvHeads, int headDim, boolean biases, boolean norms)
      implements Attention {

    public Grouped {
      ModelShape.requirePositive(heads, kvHeads, headDim);
      if (heads % kvHeads != 0) {
        throw new IllegalArgumentException(heads + " heads over " + kvHeads + " KV heads");
      }
    }

    /** Without biases and norms, as Llama has it. */
    public Grouped(int heads, int kvHeads, int headDim) {
      this(heads, kvHeads, headDim, false, false);
    }

    @Override
    public long parameters(int hidden) {
      long columns = headDim * (heads + 2L * kvHeads);
      return hidden * (columns + (long) heads * headDim)
          + (biases ? columns : 0)
          + (norms ? 2L * headDim : 0);
    }

    /** Keys and values: {@code 2 · kvHeads · headDim}. */
    @Override
    public long kvElements() {
      return 2L * kvHeads * headDim;
    }

    @Override
    public int kvVectors() {
      return 2 * kvHeads;
    }

    /**
     * {@code 4 · heads · headDim}: a multiplication and an addition each for the score and for the
     * weighted sum.
     */
    @Override
    public long flopsPerPair() {
      return 4L * heads * headDim;
    }

    @Override
    public int kvParts() {
      return kvHeads;
    }
  }

  /**
   * Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1): the cache keeps one
   * compressed vector per token, and one rotated key that all heads share.
   *
   * @param heads query heads
   * @param queryRank elements of the compressed query; 0 if queries are not compressed
   * @param kvRank elements of the compressed keys and values
   * @param nopeDim elements of a head's query and key that are not rotated
   * @param ropeDim elements that are
   * @param valueDim elements of a head's value
   */
  record Latent(int heads, int queryRank, int kvRank, int nopeDim, int ropeDim, int valueDim)
      implements Attention {

    public Latent {
      ModelShape.requirePositive(heads, kvRank, nopeDim, ropeDim, valueDim);
      ModelShape.requirePositive(queryRank + 1);
    }

    @Override
    public long parameters(int hidden) {
      long queryColumns = (long) heads * (nopeDim + ropeDim);
      long query =
          queryRank == 0
              ? hidden * queryColumns
              : (long) hidden * queryRank + queryRank + queryRank * queryColumns;
      long down = (long) hidden * (kvRank + ropeDim) + kvRank;
      long up = (long) kvRank * heads * (nopeDim + valueDim);
      return query + down + up + (long) heads * valueDim * hidden;
    }

    /** {@code kvRank + ropeDim}, whatever the number of heads. */
    @Override
    public long kvElements() {
      return (long) kvRank + ropeDim;
    }

    @Override
    public int kvVectors() {
      return 2;
    }

    /**
     * {@code 2 · heads · (nopeDim + ropeDim + valueDim)}, over keys and values that were expanded
     * from the latent vectors. Expanding those of cached tokens is not counted; without expansion a
     * pair takes {@code 2 · heads · (2 · kvRank + ropeDim)}, 3.4 times as much for DeepSeek-V3.
     */
    @Override
    public long flopsPerPair() {
      return 2L * heads * (nopeDim + ropeDim + valueDim);
    }

    /** Every head needs all of a latent vector. */
    @Override
    public int kvParts() {
      return 1;
    }
  }
}
