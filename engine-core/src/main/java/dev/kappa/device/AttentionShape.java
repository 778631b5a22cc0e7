package dev.kappa.device;

/**
 * The head geometry of one attention layer.
 *
 * @param heads query heads
 * @param kvHeads key and value heads; divides {@code heads}
 * @param headDim elements per head
 * @param scale factor on the scores, usually {@code 1 / sqrt(headDim)}
 */
public record AttentionShape(int heads, int kvHeads, int headDim, float scale) {

  public AttentionShape {
    if (heads <= 0 || kvHeads <= 0 || headDim <= 0 || heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "%d heads of %d over %d KV heads".formatted(heads, headDim, kvHeads));
    }
  }

  /** Elements of a row of fused query, key and value projections. */
  public int qkvColumns() {
    return (heads + 2 * kvHeads) * headDim;
  }
}
