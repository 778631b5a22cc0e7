package dev.kappa.device.cpu;

import dev.kappa.device.Batch;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Operations that look at one element or one row at a time. */
final class ElementwiseKernel {

  /** Elements that a thread claims at a time. */
  private static final int CHUNK = 16 << 10;

  private ElementwiseKernel() {}

  /** Looks up each row's token in a packed table. */
  static void embed(
      WorkerPool pool, Scratch scratch, PackedWeight table, Batch batch, int rows, long out) {
    int columns = table.columns();
    Rows.run(
        pool,
        scratch,
        rows,
        1,
        (own, row) -> {
          int token = batch.tokenId(row);
          long slot = PackedWeight.slot(table.dtype(), token % TileKernel.PANEL);
          long from =
              table.address()
                  + token / TileKernel.PANEL * table.panelBytes()
                  + slot * table.dtype().bytes();
          long to = out + 4L * columns * row;
          for (int k = 0; k < columns; k++) {
            Raw.putFloat(to + 4L * k, Half.read(table.dtype(), from + k * table.columnBytes()));
          }
        });
  }

  /** {@code out = gate / (1 + exp(-gate)) · up}, row by row. */
  static void siluMul(
      WorkerPool pool, Scratch scratch, long gateUp, int rows, int columns, long out) {
    Rows.run(
        pool,
        scratch,
        rows,
        CHUNK / columns,
        (own, row) -> {
          long gate = gateUp + 8L * columns * row;
          siluMulRow(gate, gate + 4L * columns, columns, out + 4L * columns * row);
        });
  }

  private static void siluMulRow(long gate, long up, int columns, long out) {
    int i = 0;
    for (; i <= columns - Lanes.COUNT; i += Lanes.COUNT) {
      FloatVector silu = silu(Lanes.load(gate + 4L * i));
      Lanes.store(silu.mul(Lanes.load(up + 4L * i)), out + 4L * i);
    }
    if (i < columns) {
      VectorMask<Float> rest = Lanes.first(columns - i);
      FloatVector silu = silu(Lanes.load(gate + 4L * i, rest));
      Lanes.store(silu.mul(Lanes.load(up + 4L * i, rest)), out + 4L * i, rest);
    }
  }

  private static FloatVector silu(FloatVector x) {
    return x.div(VectorMath.exp(x.neg()).add(1f));
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
