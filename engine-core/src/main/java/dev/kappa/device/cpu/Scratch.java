package dev.kappa.device.cpu;

/**
 * One thread's working memory, taken at first use and kept. Sizes are those of the largest call a
 * kernel makes, so nothing is allocated while a model runs.
 */
final class Scratch implements AutoCloseable {

  private static final long WEIGHTS =
      (long) MatmulKernel.PANELS * TileKernel.DEPTH * TileKernel.B_PITCH;
  private static final long TILE = TileKernel.ROWS * TileKernel.A_PITCH;
  private static final long EDGE = TileKernel.ROWS * TileKernel.B_PITCH;

  private final AttentionPlan plan = new AttentionPlan();
  private final AttentionScratch attention = new AttentionScratch();
  private long weights;
  private @org.jspecify.annotations.Nullable Pages pages;

  /** Room for a job's weights as floats: {@code [PANELS][DEPTH][PANEL]}. */
  long weights() {
    if (pages == null) {
      pages = Pages.allocate(WEIGHTS + TILE + EDGE);
      weights = pages.address();
    }
    return weights;
  }

  /** Room for a tile of inputs, {@code [ROWS][DEPTH]}. */
  long tile() {
    return weights() + WEIGHTS;
  }

  /** Room for a tile of results, {@code [ROWS][PANEL]}. */
  long edge() {
    return weights() + WEIGHTS + TILE;
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
    if (pages != null) {
      pages.close();
    }
    attention.close();
    plan.close();
  }
}
