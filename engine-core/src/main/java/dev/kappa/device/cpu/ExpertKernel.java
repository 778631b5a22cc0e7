package dev.kappa.device.cpu;

import dev.kappa.device.Activation;
import dev.kappa.device.Router;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.jspecify.annotations.Nullable;

/**
 * Feed-forward parts of chosen experts: the rows of each expert, brought together, are multiplied
 * as those of any other matrix, one expert after the other. So a row's products are the same
 * whatever other rows its experts have.
 */
final class ExpertKernel {

  /** Elements that a thread claims at a time. */
  private static final int CHUNK = 16 << 10;

  private final Router router;
  private final PackedWeight gateUp;
  private final PackedWeight down;
  private final Activation activation;

  ExpertKernel(Router router, PackedWeight gateUp, PackedWeight down, Activation activation) {
    this.router = router;
    this.gateUp = gateUp;
    this.down = down;
    this.activation = activation;
  }

  /** Gates and ups of all choices, in their place later the results; and what gates let pass. */
  static long scratchBytes(Router router, int hidden, int intermediate, int rows) {
    return 4L * rows * router.perToken() * (wide(hidden, intermediate) + intermediate);
  }

  private static long wide(int hidden, int intermediate) {
    return Math.max(2 * intermediate, hidden);
  }

  /** Runs the call. */
  void run(
      WorkerPool pool, Scratch scratch, long in, int rows, long choices, long temporary, long out) {
    ExpertOrder order = scratch.expertOrder();
    int count = rows * router.perToken();
    order.sort(choices, rows, router.perToken(), router.experts());
    long gated = temporary + 4L * count * wide(down.rows(), down.columns());
    multiply(pool, scratch, order, in, order.rows(), gateUp, temporary);
    GateKernel.run(pool, scratch, activation, temporary, count, down.columns(), gated);
    multiply(pool, scratch, order, gated, null, down, temporary);
    Rows.run(
        pool,
        scratch,
        rows,
        CHUNK / down.rows(),
        (own, row) -> combine(order, choices, temporary, row, out));
  }

  private void multiply(
      WorkerPool pool,
      Scratch scratch,
      ExpertOrder order,
      long in,
      int @Nullable [] rows,
      PackedWeight weight,
      long out) {
    for (int e = 0; e < router.experts(); e++) {
      int start = order.start(e);
      int count = order.start(e + 1) - start;
      if (count > 0) {
        long to = out + 4L * start * weight.rows();
        MatmulKernel.run(pool, scratch, in, rows, start, count, weight.matrix(e), to);
      }
    }
  }

  /** Adds up the results of a row's choices, in their order. */
  private void combine(ExpertOrder order, long choices, long results, int row, long out) {
    int columns = down.rows();
    int perToken = router.perToken();
    long to = out + 4L * columns * row;
    for (int i = 0; i < columns; i += Lanes.COUNT) {
      VectorMask<Float> rest = Lanes.first(columns - i);
      FloatVector sum = FloatVector.zero(Lanes.FLOATS);
      for (int choice = row * perToken; choice < (row + 1) * perToken; choice++) {
        float weight = Raw.getFloat(choices + 8L * choice + 4);
        long from = results + 4L * (columns * (long) order.place(choice) + i);
        sum = Lanes.load(from, rest).fma(FloatVector.broadcast(Lanes.FLOATS, weight), sum);
      }
      Lanes.store(sum, to + 4L * i, rest);
    }
  }
}
