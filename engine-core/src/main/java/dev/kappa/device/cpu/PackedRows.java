package dev.kappa.device.cpu;

/**
 * Rows of inputs brought into the order in which {@link TileKernel} reads them: {@code
 * [blocks][tiles][ROWS][A_PITCH]}. Reused from call to call.
 */
final class PackedRows {

  private static final int TILE = TileKernel.ROWS * TileKernel.A_PITCH;

  private float[] elements = {};
  private long in;
  private int rows;
  private int columns;

  /** Makes room for {@code float[rows][columns]} at an address. */
  void reset(long from, int rowCount, int columnCount) {
    in = from;
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
    int first = tile * TileKernel.ROWS;
    int end = Math.min(rows, first + TileKernel.ROWS);
    for (int row = first; row < end; row++) {
      for (int k = 0; k < columns; k += TileKernel.DEPTH) {
        int to = at(k, tile) + (row - first) * TileKernel.A_PITCH;
        int count = Math.min(TileKernel.DEPTH, columns - k);
        Elements.copy(in + 4 * ((long) row * columns + k), elements, to, count);
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
