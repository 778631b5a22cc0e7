package dev.kappa.device.check;

import dev.kappa.device.DType;
import dev.kappa.device.Memory;
import java.util.List;
import java.util.function.Function;

/**
 * A kernel with inputs of one shape.
 *
 * @param tolerance see {@link CheckLine}
 * @param prepare brings the inputs to a device
 */
record KernelCase(
    String kernel, String shape, double tolerance, Work work, Function<Side, Prepared> prepare) {

  /** The largest error of rounding a number to eight significant bits, relative to it. */
  static final double ROUNDING = 0x1p-8;

  /** What a call does, as far as its rate says something. */
  record Work(long activations, long otherBytes, long flops) {

    static final Work NONE = new Work(0, 0, 0);

    static Work activations(long count) {
      return new Work(count, 0, 0);
    }

    static Work bytes(long count) {
      return new Work(0, count, 0);
    }

    static Work flops(long count) {
      return new Work(0, 0, count);
    }

    long bytes(DType activation) {
      return activations * activation.bytes() + otherBytes;
    }
  }

  /**
   * A kernel with its arguments on a device.
   *
   * @param launch puts it on the side's stream; may be called again
   */
  record Prepared(Runnable launch, List<Output> outputs) {}

  /** How the bits of a result are read. */
  enum Kind {
    /** Numbers of the device's activation type. */
    ACTIVATION,
    FLOAT,
    /** KV blocks of {@code bfloat16}, with NaN wherever nothing was written. */
    BLOCKS,
    /** 32-bit integers, to be equal. */
    INTEGER;

    int bytes(DType activation) {
      return switch (this) {
        case ACTIVATION -> activation.bytes();
        case FLOAT, INTEGER -> Integer.BYTES;
        case BLOCKS -> Short.BYTES;
      };
    }
  }

  /**
   * A result: so many elements from the start of a memory.
   *
   * @param stride elements of a row
   * @param used elements at a row's start that count
   */
  record Output(Memory memory, Kind kind, int count, int stride, int used) {

    /** A result of which everything counts. */
    Output(Memory memory, Kind kind, int count) {
      this(memory, kind, count, 1, 1);
    }
  }
}
