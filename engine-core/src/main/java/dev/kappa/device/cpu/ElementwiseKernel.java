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
          int output = token - table.firstRow(panel);
          long to = out + 4L * columns * row;
          if (table.encoding(panel).isPlain()) {
            embedElements(table, panel, output, scale, to);
          } else {
            embedBlocks(own, table, panel, output, scale, to);
          }
        });
  }

  /** Reads an output's own elements. */
  private static void embedElements(
      PackedMatrix table, int panel, int output, float scale, long to) {
    Encoding encoding = table.encoding(panel);
    long step = PackedMatrix.columnBytes(encoding);
    int slot = PackedMatrix.slot(encoding, output);
    long from = table.address(panel) + (long) slot * encoding.blockBytes();
    for (int k = 0; k < table.columns(); k++) {
      Raw.putFloat(to + 4L * k, Half.read(encoding.dtype(), from + k * step) * scale);
    }
  }

  /** Expands the blocks of all outputs of a panel, of which the table has few to read. */
  private static void embedBlocks(
      Scratch own, PackedMatrix table, int panel, int output, float scale, long to) {
    int columns = table.columns();
    long floats = own.weights();
    long from = floats + 4L * output;
    for (int k = 0; k < columns; k += TileKernel.DEPTH) {
      int count = Math.min(TileKernel.DEPTH, columns - k);
      PanelExpander.expand(table.encoding(panel), table.address(panel), k, count, floats);
      for (int i = 0; i < count; i++) {
        Raw.putFloat(to + 4L * (k + i), Raw.getFloat(from + i * TileKernel.B_PITCH) * scale);
      }
    }
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
