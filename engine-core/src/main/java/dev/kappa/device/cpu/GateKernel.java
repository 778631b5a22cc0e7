package dev.kappa.device.cpu;

import dev.kappa.device.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** The gate of feed-forward parts. */
final class GateKernel {

  /** Elements that a thread claims at a time. */
  private static final int CHUNK = 16 << 10;

  /** {@code -2 · √(2/π)}. */
  private static final float GELU_LINEAR = -1.5957691f;

  /** {@code -2 · √(2/π) · 0.044715}. */
  private static final float GELU_CUBIC = -0.07135482f;

  private GateKernel() {}

  /** {@code out = activation(gate) · up}, row by row. */
  static void run(
      WorkerPool pool,
      Scratch scratch,
      Activation activation,
      long gateUp,
      int rows,
      int columns,
      long out) {
    Rows.Row work =
        switch (activation) {
          case SILU ->
              (own, row) -> silu(gateUp + 8L * columns * row, columns, at(out, columns, row));
          case GELU_TANH ->
              (own, row) -> gelu(gateUp + 8L * columns * row, columns, at(out, columns, row));
        };
    Rows.run(pool, scratch, rows, CHUNK / columns, work);
  }

  private static long at(long out, int columns, int row) {
    return out + 4L * columns * row;
  }

  private static void silu(long gate, int columns, long out) {
    long up = gate + 4L * columns;
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

  private static void gelu(long gate, int columns, long out) {
    long up = gate + 4L * columns;
    int i = 0;
    for (; i <= columns - Lanes.COUNT; i += Lanes.COUNT) {
      FloatVector gelu = gelu(Lanes.load(gate + 4L * i));
      Lanes.store(gelu.mul(Lanes.load(up + 4L * i)), out + 4L * i);
    }
    if (i < columns) {
      VectorMask<Float> rest = Lanes.first(columns - i);
      FloatVector gelu = gelu(Lanes.load(gate + 4L * i, rest));
      Lanes.store(gelu.mul(Lanes.load(up + 4L * i, rest)), out + 4L * i, rest);
    }
  }

  /** {@code (1 + tanh(u)) / 2} is {@code 1 / (1 + exp(-2u))}, which does not cancel. */
  private static FloatVector gelu(FloatVector x) {
    FloatVector slope = x.mul(x).fma(x.broadcast(GELU_CUBIC), x.broadcast(GELU_LINEAR));
    return x.div(VectorMath.exp(slope.mul(x)).add(1f));
  }
}
