package dev.kappa.device.cpu;

import jdk.incubator.vector.FloatVector;

/** Root mean square norms. */
final class NormKernel {

  /** Elements that a thread claims at a time. */
  private static final int CHUNK = 16 << 10;

  private NormKernel() {}

  /** Norms rows of {@code in} into {@code out}. */
  static void run(
      WorkerPool pool,
      Scratch scratch,
      long in,
      long weight,
      int rows,
      int columns,
      float epsilon,
      long out) {
    Rows.run(
        pool,
        scratch,
        rows,
        CHUNK / columns,
        (own, row) -> {
          long offset = 4L * columns * row;
          normalize(in + offset, weight, columns, epsilon, out + offset);
        });
  }

  /** Adds {@code delta} to {@code residual}, then norms the sum into {@code out}. */
  static void addAndRun(
      WorkerPool pool,
      Scratch scratch,
      long residual,
      long delta,
      long weight,
      int rows,
      int columns,
      float epsilon,
      long out) {
    Rows.run(
        pool,
        scratch,
        rows,
        CHUNK / columns,
        (own, row) -> {
          long offset = 4L * columns * row;
          Elements.add(residual + offset, delta + offset, columns);
          normalize(residual + offset, weight, columns, epsilon, out + offset);
        });
  }

  /** Norms one vector; {@code in} may be {@code out}. */
  static void normalize(long in, long weight, int columns, float epsilon, long out) {
    float mean = sumOfSquares(in, columns) / columns;
    float factor = (float) (1.0 / Math.sqrt(mean + epsilon));
    int i = 0;
    for (; i <= columns - Lanes.COUNT; i += Lanes.COUNT) {
      FloatVector normed = Lanes.load(in + 4L * i).mul(factor);
      Lanes.store(normed.mul(Lanes.load(weight + 4L * i)), out + 4L * i);
    }
    for (; i < columns; i++) {
      float normed = Raw.getFloat(in + 4L * i) * factor;
      Raw.putFloat(out + 4L * i, normed * Raw.getFloat(weight + 4L * i));
    }
  }

  /** Sixteen chains, element i in chain i mod 16, added up in order. */
  private static float sumOfSquares(long in, int columns) {
    int whole = columns - columns % Lanes.PARTIALS;
    float total = 0;
    for (int part = 0; part < Lanes.PARTIALS; part += Lanes.COUNT) {
      FloatVector sums = FloatVector.zero(Lanes.FLOATS);
      for (int i = part; i < whole; i += Lanes.PARTIALS) {
        FloatVector x = Lanes.load(in + 4L * i);
        sums = x.fma(x, sums);
      }
      for (int lane = 0; lane < Lanes.COUNT; lane++) {
        float sum = sums.lane(lane);
        int last = whole + part + lane;
        if (last < columns) {
          float x = Raw.getFloat(in + 4L * last);
          sum = Math.fma(x, x, sum);
        }
        total += sum;
      }
    }
    return total;
  }
}
