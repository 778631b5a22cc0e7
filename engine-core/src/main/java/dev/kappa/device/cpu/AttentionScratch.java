package dev.kappa.device.cpu;

import org.jspecify.annotations.Nullable;

/** One thread's working memory for attention, taken at first use. */
final class AttentionScratch implements AutoCloseable {

  private static final int ROWS = AttentionPlan.MAX_ROWS;
  private static final int TOKENS = KvTile.TOKENS;
  private static final int DIM = AttentionKernel.MAX_HEAD_DIM;

  private static final long KEYS = 0;
  private static final long VALUES = KEYS + 4L * TOKENS * DIM;
  private static final long RAW = VALUES + 4L * TOKENS * DIM;
  private static final long QUERIES = RAW + 4L * KvTile.GROUP * DIM;
  private static final long SCORES = QUERIES + ROWS * TileKernel.A_PITCH;
  private static final long SEGMENT = SCORES + TileKernel.ROWS * TileKernel.A_PITCH;
  private static final long TOTAL = SEGMENT + ROWS * SoftmaxState.pitch(DIM);
  private static final long BYTES = TOTAL + ROWS * SoftmaxState.pitch(DIM);

  private @Nullable Pages pages;
  private long address;

  private long address() {
    if (pages == null) {
      pages = Pages.allocate(BYTES);
      address = pages.address();
    }
    return address;
  }

  /** Keys of a tile: {@code float[2][headDim][32]}, tokens side by side. */
  long keys() {
    return address() + KEYS;
  }

  /** Values of a tile: {@code float[headDim / 32][64][32]}. */
  long values() {
    return address() + VALUES;
  }

  /** Tokens collected from several blocks, of the blocks' type. */
  long raw() {
    return address() + RAW;
  }

  /** Scaled queries, {@code float[MAX_ROWS][DEPTH]}. */
  long queries() {
    return address() + QUERIES;
  }

  /** Scores of one tile of queries, {@code float[ROWS][DEPTH]}. */
  long scores() {
    return address() + SCORES;
  }

  /** States of the running segment. */
  long segment() {
    return address() + SEGMENT;
  }

  /** States of everything before it. */
  long total() {
    return address() + TOTAL;
  }

  @Override
  public void close() {
    if (pages != null) {
      pages.close();
    }
  }
}
