package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.FLOATS;
import static dev.kappa.device.cpu.Lanes.ORDER;
import static dev.kappa.device.cpu.Raw.ALL;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.kappa.device.DType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * One row times a panel, reading weights straight from memory: decoding is bound by that read. The
 * chains of multiply-adds are those of {@link TileKernel}.
 */
final class MatvecKernel {

  private static final long COLUMN = 2L * TileKernel.PANEL;
  private static final int HALF_PANEL = TileKernel.PANEL / 2;

  private MatvecKernel() {}

  /**
   * Computes a panel's outputs.
   *
   * @param dtype F32 or BF16
   * @param x {@code float[k]}
   * @param panel {@code k} columns of the panel
   * @param out room for {@code float[PANEL]}
   */
  static void multiply(DType dtype, long x, long panel, int k, long out) {
    if (dtype == DType.F32) {
      for (int i = 0; i < TileKernel.PANEL; i += 2 * Lanes.COUNT) {
        f32(x, panel + 4L * i, k, out + 4L * i);
      }
      return;
    }
    for (int i = 0; i < HALF_PANEL; i += Lanes.COUNT) {
      bf16(x, panel + 4L * i, k, out + 4L * i);
    }
  }

  private static void f32(long x, long weights, int k, long out) {
    FloatVector low = FloatVector.zero(FLOATS);
    FloatVector high = low;
    for (int i = 0; i < k; i++) {
      FloatVector input = FloatVector.broadcast(FLOATS, Raw.getFloat(x + 4L * i));
      long at = weights + i * TileKernel.B_PITCH;
      low = input.fma(FloatVector.fromMemorySegment(FLOATS, ALL, at, ORDER), low);
      high = input.fma(FloatVector.fromMemorySegment(FLOATS, ALL, at + Lanes.BYTES, ORDER), high);
    }
    Lanes.store(low, out);
    Lanes.store(high, out + Lanes.BYTES);
  }

  private static void bf16(long x, long words, int k, long out) {
    FloatVector low = FloatVector.zero(FLOATS);
    FloatVector high = low;
    for (int i = 0; i < k; i++) {
      IntVector pairs = IntVector.fromMemorySegment(Lanes.INTS, ALL, words + i * COLUMN, ORDER);
      FloatVector input = FloatVector.broadcast(FLOATS, Raw.getFloat(x + 4L * i));
      low = input.fma(pairs.lanewise(LSHL, 16).reinterpretAsFloats(), low);
      high = input.fma(pairs.and(0xffff0000).reinterpretAsFloats(), high);
    }
    Lanes.store(low, out);
    Lanes.store(high, out + 4L * HALF_PANEL);
  }
}
