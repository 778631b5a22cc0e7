package dev.kappa.device;

/**
 * The head geometry of one attention layer.
 *
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads}
 * @param headDim elements per head
 * @param scale factor on the scores, usually {@code 1 / sqrt(headDim)}
 * @param window tokens that a row sees, itself included: positions {@code p - window + 1 … p};
 *     {@link #NO_WINDOW} for all up to its own
 * @param softcap bound of the scores: after scaling, a score {@code s} becomes {@code softcap ·
 *     tanh(s / softcap)}; 0 for none (Gemma 2, arXiv 2408.00118 §2)
 */
public record AttentionShape(
    int heads, int kvHeads, int headDim, float scale, int window, float softcap) {

  /** A {@link #window} that holds every context. */
  public static final int NO_WINDOW = Integer.MAX_VALUE;

  public AttentionShape {
    if (heads <= 0 || kvHeads <= 0 || headDim <= 0 || heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "%d heads of %d over %d KV heads".formatted(heads, headDim, kvHeads));
    }
    if (window <= 0 || !(softcap >= 0)) {
      throw new IllegalArgumentException("window %d, softcap %s".formatted(window, softcap));
    }
  }

  /** Plain causal attention. */
  public AttentionShape(int heads, int kvHeads, int headDim, float scale) {
    this(heads, kvHeads, headDim, scale, NO_WINDOW, 0);
  }

  /** The first position that a row sees. */
  public int firstSeen(int position) {
    return Math.max(0, position - window + 1);
  }

  /** Elements of a row of fused query, key and value projections. */
  public int qkvColumns() {
    return (heads + 2 * kvHeads) * headDim;
  }
}
