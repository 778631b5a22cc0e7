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
  private static final long BYTES = RAW + 4L * KvTile.GROUP * DIM;

  private final KeyTransposer transposer = new KeyTransposer();
  private final float[] scores = new float[TileKernel.ROWS * TileKernel.DEPTH];
  private float[] queries = {};
  private float[] segment = {};
  private float[] total = {};
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

  KeyTransposer transposer() {
    return transposer;
  }

  /** Scaled queries, {@code [MAX_ROWS][DEPTH]}. */
  float[] queries() {
    if (queries.length == 0) {
      queries = new float[ROWS * TileKernel.DEPTH];
    }
    return queries;
  }

  /** Scores of one tile of queries, {@code [ROWS][DEPTH]}. */
  float[] scores() {
    return scores;
  }

  /** States of the running segment. */
  float[] segment() {
    if (segment.length == 0) {
      segment = new float[ROWS * SoftmaxState.pitch(DIM)];
    }
    return segment;
  }

  /** States of everything before it. */
  float[] total() {
    if (total.length == 0) {
      total = new float[ROWS * SoftmaxState.pitch(DIM)];
    }
    return total;
  }

  @Override
  public void close() {
    if (pages != null) {
      pages.close();
    }
  }
}
