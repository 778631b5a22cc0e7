package dev.kappa.device.cpu;

import dev.kappa.device.host.Pages;
import org.jspecify.annotations.Nullable;

/** One thread's working memory for attention, taken at first use. */
final class AttentionScratch implements AutoCloseable {

  private static final int ROWS = AttentionPlan.MAX_ROWS;
  private static final int TOKENS = KvTile.TOKENS;
  private static final int DIM = AttentionKernel.MAX_HEAD_DIM;

  /** Bytes from one query's scores to the next's. */
  static final long SCORE_PITCH = 4L * TOKENS;

  private static final long KEYS = 0;
  private static final long VALUES = KEYS + 4L * TOKENS * DIM;
  private static final long RAW = VALUES + 4L * TOKENS * DIM;
  private static final long SCORES = RAW + 4L * KvTile.GROUP * DIM;
  private static final long SEGMENT = SCORES + TileKernel.ROWS * SCORE_PITCH;
  private static final long TOTAL = SEGMENT + ROWS * SoftmaxState.pitch(DIM);
  private static final long BYTES = TOTAL + ROWS * SoftmaxState.pitch(DIM);

  private final KeyTransposer transposer = new KeyTransposer();
  private final float[] weights = new float[TileKernel.ROWS * TileKernel.A_PITCH];
  private float[] queries = {};
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

  /** Scaled queries, {@code [MAX_ROWS][A_PITCH]}. */
  float[] queries() {
    if (queries.length == 0) {
      queries = new float[ROWS * TileKernel.A_PITCH];
    }
    return queries;
  }

  /** Weights of one tile of queries, {@code [ROWS][A_PITCH]}. */
  float[] weights() {
    return weights;
  }

  /** Scores of one tile of queries, {@code float[ROWS][64]}. */
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
