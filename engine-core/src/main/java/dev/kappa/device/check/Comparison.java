package dev.kappa.device.check;

import dev.kappa.device.DType;
import dev.kappa.device.check.KernelCase.Kind;
import dev.kappa.device.check.KernelCase.Output;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The largest error of a device's results, in tolerances. Not thread-safe. */
final class Comparison {

  private final double tolerance;
  private double worst;
  private String problem = "";

  /**
   * @param tolerance 0 if bits must be equal
   */
  Comparison(double tolerance) {
    this.tolerance = tolerance;
  }

  double worst() {
    return worst;
  }

  /** The first thing that was wrong; empty if nothing was. */
  String problem() {
    return problem;
  }

  void add(Side side, Output output, Side reference, Output expected) {
    ByteBuffer actual = read(side, output);
    ByteBuffer wanted = read(reference, expected);
    if (output.kind() == Kind.INTEGER) {
      for (int i = 0; i < output.count(); i++) {
        boolean counts = i % output.stride() < output.used();
        if (counts && actual.getInt(4 * i) != wanted.getInt(4 * i)) {
          fail(i, actual.getInt(4 * i), wanted.getInt(4 * i));
        }
      }
      return;
    }
    float[] found = floats(actual, output, side.activation);
    float[] right = floats(wanted, expected, reference.activation);
    compare(found, right, output);
  }

  private void compare(float[] found, float[] right, Output output) {
    boolean gaps = output.kind() == Kind.BLOCKS;
    double size = rootMeanSquare(right);
    for (int i = 0; i < found.length; i++) {
      if (i % output.stride() >= output.used()) {
        continue;
      }
      boolean gap = Float.isNaN(found[i]) && Float.isNaN(right[i]);
      if (gap && gaps) {
        continue;
      }
      boolean same = Float.floatToRawIntBits(found[i]) == Float.floatToRawIntBits(right[i]);
      if (same && !gap) {
        continue;
      }
      double error =
          tolerance == 0
              ? Double.POSITIVE_INFINITY
              : Math.abs((double) found[i] - right[i])
                  / (tolerance * Math.max(size, Math.abs((double) right[i])));
      // A NaN on one side, or on both where there must be none, is no small error.
      if (error <= 1) {
        worst = Math.max(worst, error);
      } else {
        worst = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(worst, error);
        fail(i, found[i], right[i]);
      }
    }
  }

  private void fail(int index, Number found, Number right) {
    if (problem.isEmpty()) {
      problem = "element " + index + " is " + found + ", not " + right;
    }
    if (found instanceof Integer) {
      worst = Double.POSITIVE_INFINITY;
    }
  }

  private static double rootMeanSquare(float[] values) {
    double squares = 0;
    long count = 0;
    for (float value : values) {
      if (!Float.isNaN(value)) {
        squares += (double) value * value;
        count++;
      }
    }
    return Math.max(Math.sqrt(squares / Math.max(1, count)), Float.MIN_NORMAL);
  }

  private static ByteBuffer read(Side side, Output output) {
    int bytes = output.count() * output.kind().bytes(side.activation);
    return ByteBuffer.wrap(side.read(output.memory(), bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static float[] floats(ByteBuffer bytes, Output output, DType activation) {
    DType dtype =
        switch (output.kind()) {
          case ACTIVATION -> activation;
          case BLOCKS -> DType.BF16;
          case FLOAT, INTEGER -> DType.F32;
        };
    float[] values = new float[output.count()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (dtype) {
            case F32 -> bytes.getFloat(4 * i);
            case BF16 -> Values.fromBf16(bytes.getShort(2 * i));
            case F16 -> Float.float16ToFloat(bytes.getShort(2 * i));
          };
    }
    return values;
  }
}
