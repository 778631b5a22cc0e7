package dev.kappa.device.cpu;

import dev.kappa.device.host.Pages;
import org.jspecify.annotations.Nullable;

/**
 * One thread's working memory, taken at first use and kept. Sizes are those of the largest call a
 * kernel makes, so nothing is allocated while a model runs.
 */
final class Scratch implements AutoCloseable {

  private static final long WEIGHTS =
      (long) MatmulKernel.PANELS * TileKernel.DEPTH * TileKernel.B_PITCH;
  private static final long SUMS = TileKernel.ROWS * TileKernel.B_PITCH;

  private final AttentionPlan plan = new AttentionPlan();
  private final AttentionScratch attention = new AttentionScratch();
  private final PackedRows packedRows = new PackedRows();
  private final ExpertOrder expertOrder = new ExpertOrder();
  private @Nullable Pages pages;

  private long address() {
    Pages taken = pages;
    if (taken == null) {
      taken = Pages.allocate(WEIGHTS + SUMS);
      pages = taken;
    }
    return taken.address();
  }

  /** Room for a group's weights as floats: {@code [PANELS][DEPTH][PANEL]}. */
  long weights() {
    return address();
  }

  /** Room for a tile of results, {@code [ROWS][PANEL]}. */
  long sums() {
    return address() + WEIGHTS;
  }

  /** Rows of the matrix product that this thread leads. */
  PackedRows packedRows() {
    return packedRows;
  }

  /** Choices of experts of the call that this thread leads. */
  ExpertOrder expertOrder() {
    return expertOrder;
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
