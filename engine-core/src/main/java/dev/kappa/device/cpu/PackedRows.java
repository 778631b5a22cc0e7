package dev.kappa.device.cpu;

import org.jspecify.annotations.Nullable;

/**
 * Rows of inputs brought into the order in which {@link TileKernel} reads them: {@code
 * [blocks][tiles][ROWS][A_PITCH]}. Reused from call to call.
 */
final class PackedRows {

  private static final int TILE = TileKernel.ROWS * TileKernel.A_PITCH;

  private float[] elements = {};
  private long in;
  private int @Nullable [] indices;
  private int first;
  private int rows;
  private int columns;

  /**
   * Makes room for rows.
   *
   * @param from address of {@code float[…][columns]}
   * @param rowIndices where each row lies there, from {@code firstRow} on; null for {@code
   *     firstRow} and those that follow
   */
  void reset(long from, int @Nullable [] rowIndices, int firstRow, int rowCount, int columnCount) {
    in = from;
    indices = rowIndices;
    first = firstRow;
    rows = rowCount;
    columns = columnCount;
    int size = Math.multiplyExact(TILE * tiles(), Math.ceilDiv(columnCount, TileKernel.DEPTH));
    if (elements.length < size) {
      elements = new float[size];
    }
  }

  int tiles() {
    return Math.ceilDiv(rows, TileKernel.ROWS);
  }

  /** Packs one tile; tiles are independent. */
  void pack(int tile) {
    int start = tile * TileKernel.ROWS;
    int end = Math.min(rows, start + TileKernel.ROWS);
    for (int row = start; row < end; row++) {
      long from = in + 4L * columns * (indices == null ? first + row : indices[first + row]);
      for (int k = 0; k < columns; k += TileKernel.DEPTH) {
        int to = at(k, tile) + (row - start) * TileKernel.A_PITCH;
        int count = Math.min(TileKernel.DEPTH, columns - k);
        Elements.copy(from + 4L * k, elements, to, count);
      }
    }
  }

  float[] elements() {
    return elements;
  }

  /** Where a tile's first row has its {@code k}-th input; others are {@code A_PITCH} apart. */
  int at(int k, int tile) {
    return (k / TileKernel.DEPTH * tiles() + tile) * TILE + k % TileKernel.DEPTH;
  }
}
