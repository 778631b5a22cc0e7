package dev.kappa.roofline;

/** The feed-forward parts of a model's layers, all gated: three matrices each. */
public sealed interface FeedForward {

  /**
   * Parameters in all layers.
   *
   * @param layers transformer layers
   * @param hidden width of the residual stream
   */
  long parameters(int layers, int hidden);

  /** Those of them that take part in one token's forward pass. */
  long activeParameters(int layers, int hidden);

  private static long gated(long hidden, long intermediate) {
    return 3 * hidden * intermediate;
  }

  /**
   * The same matrices for every token.
   *
   * @param intermediate width of the part
   */
  record Dense(int intermediate) implements FeedForward {

    public Dense {
      ModelShape.requirePositive(intermediate);
    }

    @Override
    public long parameters(int layers, int hidden) {
      return layers * gated(hidden, intermediate);
    }

    @Override
    public long activeParameters(int layers, int hidden) {
      return parameters(layers, hidden);
    }
  }

  /**
   * A mixture of experts: a router sends each token to a few of them.
   *
   * @param experts experts in a layer
   * @param perToken how many of them a token goes to
   * @param width width of an expert
   * @param sharedWidth width of the part that all tokens go to; 0 for none
   * @param denseLayers layers that have a dense part instead
   * @param denseWidth width of that part
   */
  record Experts(
      int experts, int perToken, int width, int sharedWidth, int denseLayers, int denseWidth)
      implements FeedForward {

    public Experts {
      ModelShape.requirePositive(experts, perToken, width, sharedWidth + 1, denseLayers + 1);
      if (perToken > experts || (denseLayers > 0 && denseWidth <= 0)) {
        throw new IllegalArgumentException(
            "%d of %d experts, %d dense layers of width %d"
                .formatted(perToken, experts, denseLayers, denseWidth));
      }
    }

    @Override
    public long parameters(int layers, int hidden) {
      return of(layers, hidden, experts);
    }

    @Override
    public long activeParameters(int layers, int hidden) {
      return of(layers, hidden, perToken);
    }

    private long of(int layers, int hidden, int counted) {
      long router = (long) hidden * experts;
      long sparse = counted * gated(hidden, width) + gated(hidden, sharedWidth) + router;
      return (layers - denseLayers) * sparse + denseLayers * gated(hidden, denseWidth);
    }
  }
}
