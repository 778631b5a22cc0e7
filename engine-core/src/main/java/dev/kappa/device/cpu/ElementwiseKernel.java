package dev.kappa.device.cpu;

import dev.kappa.device.Batch;

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
          long slot = PackedMatrix.slot(table.dtype(), token % TileKernel.PANEL);
          long from =
              table.address()
                  + token / TileKernel.PANEL * table.panelBytes()
                  + slot * table.dtype().bytes();
          long to = out + 4L * columns * row;
          for (int k = 0; k < columns; k++) {
            float value = Half.read(table.dtype(), from + k * table.columnBytes());
            Raw.putFloat(to + 4L * k, value * scale);
          }
        });
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
