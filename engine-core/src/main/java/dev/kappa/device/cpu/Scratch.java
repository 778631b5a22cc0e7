package dev.kappa.device.cpu;

import org.jspecify.annotations.Nullable;

/**
 * One thread's working memory, taken at first use and kept. Sizes are those of the largest call a
 * kernel makes, so nothing is allocated while a model runs.
 */
final class Scratch implements AutoCloseable {

  private static final long WEIGHTS =
      (long) MatmulKernel.PANELS * TileKernel.DEPTH * TileKernel.B_PITCH;

  private final AttentionPlan plan = new AttentionPlan();
  private final AttentionScratch attention = new AttentionScratch();
  private final PackedRows packedRows = new PackedRows();
  private final float[] sums = new float[TileKernel.ROWS * TileKernel.PANEL];
  private @Nullable Pages weights;

  /** Address of room for a group's weights as floats: {@code [PANELS][DEPTH][PANEL]}. */
  long weights() {
    Pages pages = weights;
    if (pages == null) {
      pages = Pages.allocate(WEIGHTS);
      weights = pages;
    }
    return pages.address();
  }

  /** Rows of the matrix product that this thread leads. */
  PackedRows packedRows() {
    return packedRows;
  }

  /** A tile of results, {@code [ROWS][PANEL]}. */
  float[] sums() {
    return sums;
  }

  AttentionScratch attention() {
    return attention;
  }

  /** Work items of the attention call that this thread leads. */
  AttentionPlan plan() {
    return plan;
  }

  @Override
  public void close() {
    if (weights != null) {
      weights.close();
    }
    attention.close();
  }
}
