package dev.kappa.device.check;

import dev.kappa.device.Activation;
import dev.kappa.device.Batch;
import dev.kappa.device.DType;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Weight;
import dev.kappa.device.check.KernelCase.Kind;
import dev.kappa.device.check.KernelCase.Output;
import dev.kappa.device.check.KernelCase.Prepared;
import dev.kappa.device.check.KernelCase.Work;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Kernels that work row by row, without weights to multiply with and without KV. */
final class RowCases {

  private static final float EPSILON = 1e-5f;

  private RowCases() {}

  static KernelCase embed(Inputs in, int rows, int vocabulary, int columns, float scale) {
    MemorySegment table = in.matrix(vocabulary, columns);
    int[] tokens = in.random.ints(rows, 0, vocabulary).toArray();
    tokens[0] = vocabulary - 1;
    return new KernelCase(
        "embed",
        "%d rows of %d, %d tokens%s"
            .formatted(rows, columns, vocabulary, scale == 1 ? "" : ", scaled"),
        scale == 1 ? 0 : KernelCase.ROUNDING,
        new Work((long) rows * columns, 2L * rows * columns, 0),
        side -> {
          Weight weight = side.weight(table, columns);
          Batch batch = side.rows(tokens);
          DeviceMemory out = side.room((long) rows * columns);
          return new Prepared(
              () -> side.kernels().embed(side.stream, weight, batch, scale, out),
              List.of(new Output(out, Kind.ACTIVATION, rows * columns)));
        });
  }

  static KernelCase rmsNorm(Inputs in, int rows, int columns) {
    float[] values = in.floats(rows * columns, 1f);
    float[] factors = in.floats(columns, 2f);
    return new KernelCase(
        "rmsNorm",
        rows + " rows of " + columns,
        2 * KernelCase.ROUNDING,
        Work.activations(2L * rows * columns),
        side -> {
          DeviceMemory from = side.activations(values);
          DeviceMemory weight = side.vector(factors);
          DeviceMemory out = side.room((long) rows * columns);
          return new Prepared(
              () -> side.kernels().rmsNorm(side.stream, from, weight, rows, columns, EPSILON, out),
              List.of(new Output(out, Kind.ACTIVATION, rows * columns)));
        });
  }

  /** The sum is rounded before it is normed, hence the larger tolerance. */
  static KernelCase addRmsNorm(Inputs in, int rows, int columns) {
    float[] values = in.floats(rows * columns, 1f);
    float[] deltas = in.floats(rows * columns, 1f);
    float[] factors = in.floats(columns, 2f);
    return new KernelCase(
        "addRmsNorm",
        rows + " rows of " + columns,
        4 * KernelCase.ROUNDING,
        Work.activations(4L * rows * columns),
        side -> {
          DeviceMemory sum = side.activations(values);
          DeviceMemory delta = side.activations(deltas);
          DeviceMemory weight = side.vector(factors);
          DeviceMemory out = side.room((long) rows * columns);
          return new Prepared(
              () ->
                  side.kernels()
                      .addRmsNorm(side.stream, sum, delta, weight, rows, columns, EPSILON, out),
              List.of(
                  new Output(sum, Kind.ACTIVATION, rows * columns),
                  new Output(out, Kind.ACTIVATION, rows * columns)));
        });
  }

  static KernelCase gate(Inputs in, Activation activation, int rows, int columns) {
    float[] gateUp = in.floats(rows * 2 * columns, 8f);
    return new KernelCase(
        "gate",
        "%d rows of %d, %s".formatted(rows, columns, activation),
        4 * KernelCase.ROUNDING,
        Work.activations(3L * rows * columns),
        side -> {
          DeviceMemory from = side.activations(gateUp);
          DeviceMemory out = side.room((long) rows * columns);
          return new Prepared(
              () -> side.kernels().gate(side.stream, activation, from, rows, columns, out),
              List.of(new Output(out, Kind.ACTIVATION, rows * columns)));
        });
  }

  /** In place, so that a second launch bounds what is bounded: the same on all devices. */
  static KernelCase softcap(Inputs in, int rows, int columns) {
    float[] logits = in.floats(rows * columns, 90f);
    return new KernelCase(
        "softcap",
        rows + " rows of " + columns,
        0x1p-18,
        Work.bytes(8L * rows * columns),
        side -> {
          DeviceMemory values = side.upload(logits, DType.F32);
          return new Prepared(
              () -> side.kernels().softcap(side.stream, values, rows, columns, 30f),
              List.of(new Output(values, Kind.FLOAT, rows * columns)));
        });
  }

  /** Every third row is left out, and so is the first of the others. */
  static KernelCase gatherOutputs(Inputs in, int rows, int columns) {
    float[] values = in.floats(rows * columns, 1f);
    int marked = rows - Math.ceilDiv(rows, 3);
    int count = marked - 1;
    return new KernelCase(
        "gatherOutputs",
        "%d of %d rows of %d".formatted(count, rows, columns),
        0,
        Work.activations(2L * count * columns),
        side -> {
          Batch batch = side.batch(rows, 1, 1);
          batch.beginSequence(rows);
          for (int i = 0; i < rows; i++) {
            batch.addRow(0, i);
            if (i % 3 != 0) {
              batch.markOutput();
            }
          }
          DeviceMemory from = side.activations(values);
          DeviceMemory out = side.room((long) count * columns);
          return new Prepared(
              () -> side.kernels().gatherOutputs(side.stream, from, batch, 1, count, columns, out),
              List.of(new Output(out, Kind.ACTIVATION, count * columns)));
        });
  }

  /** Few different values, so that many are equal; one row has a NaN, one only -infinity. */
  static KernelCase argmax(Inputs in, int rows, int columns) {
    float[] logits = in.floats(rows * columns, 1f);
    logits[columns - 1] = Float.NaN;
    if (rows > 2) {
      Arrays.fill(logits, 2 * columns, 3 * columns, Float.NEGATIVE_INFINITY);
    }
    return new KernelCase(
        "argmax",
        rows + " rows of " + columns,
        0,
        Work.bytes(4L * rows * columns),
        side -> {
          DeviceMemory from = side.upload(logits, DType.F32);
          HostMemory out = side.poisonedHost(4L * rows);
          // The poison is the answer to a row without a token.
          out.segment().fill((byte) 0x55);
          return new Prepared(
              () -> side.kernels().argmax(side.stream, from, rows, columns, out),
              List.of(new Output(out, Kind.INTEGER, rows)));
        });
  }
}
