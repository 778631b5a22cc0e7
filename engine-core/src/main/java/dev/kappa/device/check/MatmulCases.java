package dev.kappa.device.check;

import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Weight;
import dev.kappa.device.check.KernelCase.Kind;
import dev.kappa.device.check.KernelCase.Output;
import dev.kappa.device.check.KernelCase.Prepared;
import dev.kappa.device.check.KernelCase.Work;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Products with a weight matrix. */
final class MatmulCases {

  /** From so many rows on, arithmetic rather than reading the matrix is what takes time. */
  private static final int MANY_ROWS = 64;

  /**
   * Sums of thousands of products in 32-bit floats, which matrix units cut off rather than round.
   */
  private static final double FLOAT_SUMS = 0x1p-12;

  private MatmulCases() {}

  /** A library may add partial sums that are rounded already, hence four times the rounding. */
  static KernelCase matmul(Inputs in, int rows, int outputs, int columns) {
    return product(in, rows, outputs, columns, Kind.ACTIVATION);
  }

  static KernelCase logits(Inputs in, int rows, int outputs, int columns) {
    return product(in, rows, outputs, columns, Kind.FLOAT);
  }

  private static KernelCase product(Inputs in, int rows, int outputs, int columns, Kind kind) {
    boolean logits = kind == Kind.FLOAT;
    MemorySegment matrix = in.matrix(outputs, columns);
    float[] values = in.floats(rows * columns, 1f);
    return new KernelCase(
        logits ? "logits" : "matmul",
        "%d rows, %d of %d".formatted(rows, outputs, columns),
        logits ? FLOAT_SUMS : 4 * KernelCase.ROUNDING,
        rows < MANY_ROWS
            ? Work.bytes(2L * outputs * columns)
            : Work.flops(2L * rows * outputs * columns),
        side -> {
          Weight weight = side.weight(matrix, columns);
          DeviceMemory from = side.activations(values);
          int count = rows * outputs;
          DeviceMemory out = logits ? side.poisoned(4L * count) : side.room(count);
          Runnable launch =
              logits
                  ? () -> side.kernels().logits(side.stream, from, rows, weight, out)
                  : () -> side.kernels().matmul(side.stream, from, rows, weight, out);
          return new Prepared(launch, List.of(new Output(out, kind, count)));
        });
  }
}
