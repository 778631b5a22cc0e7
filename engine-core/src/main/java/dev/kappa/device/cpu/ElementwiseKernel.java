package dev.kappa.device.cpu;

import dev.kappa.device.Batch;
import dev.kappa.device.Encoding;

/** Operations that look at one element or one row at a time. */
final class ElementwiseKernel {

  /** Elements that a thread claims at a time. */
  private static final int CHUNK = 16 << 10;

  private ElementwiseKernel() {}

  /** Looks up each row's token in a packed table, and scales it. */
  static void embed(
      WorkerPool pool,
      Scratch scratch,
      PackedMatrix table,
      Batch batch,
      int rows,
      float scale,
      long out) {
    int columns = table.columns();
    Rows.run(
        pool,
        scratch,
        rows,
        1,
        (own, row) -> {
          int token = batch.tokenId(row);
          int panel = table.panelOf(token);
          long to = out + 4L * columns * row;
          for (int k = 0; k < columns; k += TileKernel.DEPTH) {
            int count = Math.min(TileKernel.DEPTH, columns - k);
            long floats = floats(own, table, panel, k, count);
            long from = floats + 4L * (token - table.firstRow(panel));
            for (int i = 0; i < count; i++) {
              float value = Raw.getFloat(from + i * TileKernel.B_PITCH);
              Raw.putFloat(to + 4L * (k + i), value * scale);
            }
          }
        });
  }

  /**
   * Where columns of a panel lie as floats; all its outputs, of which the table has few to read.
   */
  private static long floats(Scratch own, PackedMatrix table, int panel, int k, int count) {
    if (table.encoding(panel) == Encoding.F32) {
      return table.address(panel) + k * TileKernel.B_PITCH;
    }
    long expanded = own.weights();
    PanelExpander.expand(table.encoding(panel), table.address(panel), k, count, expanded);
    return expanded;
  }

  /** Bounds elements by a hyperbolic tangent, row by row. */
  static void softcap(
      WorkerPool pool, Scratch scratch, long values, int rows, int columns, float cap) {
    Rows.run(
        pool,
        scratch,
        rows,
        CHUNK / columns,
        (own, row) -> VectorMath.softcap(values + 4L * columns * row, columns, cap));
  }

  /** Copies the wanted rows. */
  static void gather(
      WorkerPool pool,
      Scratch scratch,
      long in,
      Batch batch,
      int first,
      int count,
      int columns,
      long out) {
    Rows.run(
        pool,
        scratch,
        count,
        CHUNK / columns,
        (own, i) ->
            Elements.copy(
                in + 4L * columns * batch.outputRow(first + i), out + 4L * columns * i, columns));
  }
}
