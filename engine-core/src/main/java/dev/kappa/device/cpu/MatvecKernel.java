package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.FLOATS;
import static dev.kappa.device.cpu.Lanes.ORDER;
import static dev.kappa.device.cpu.Raw.ALL;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.kappa.device.Encoding;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * One row times a panel, reading weights straight from memory where they need no more than a shift:
 * decoding is bound by that read. The chains of multiply-adds are those of {@link TileKernel}.
 */
final class MatvecKernel {

  private static final long COLUMN = 2L * TileKernel.PANEL;
  private static final int HALF_PANEL = TileKernel.PANEL / 2;

  private MatvecKernel() {}

  /**
   * Adds the products with a panel.
   *
   * @param x {@code float[columns]}
   * @param encoding any but F16, which is expanded first
   * @param panel address of the panel's first column
   * @param scratch room for {@code float[2][PANEL]}
   * @param sums {@code float[PANEL]}
   */
  static void add(long x, Encoding encoding, long panel, int columns, long scratch, long sums) {
    switch (encoding) {
      case F32 -> addF32(x, panel, columns, sums);
      case BF16 -> addBf16(x, panel, columns, sums);
      case Q8_0 -> SignedPanel.add(8, x, panel, columns, scratch, sums);
      case Q4_0 -> SignedPanel.add(4, x, panel, columns, scratch, sums);
      case Q4_K -> Q4KPanel.add(x, panel, columns, scratch, sums);
      case Q6_K -> Q6KPanel.add(x, panel, columns, scratch, sums);
      case F16 -> throw new IllegalArgumentException("F16 is expanded first");
    }
  }

  /**
   * Adds the products with columns of 32-bit floats.
   *
   * @param x {@code float[k]}
   * @param panel {@code float[k][PANEL]}
   * @param sums {@code float[PANEL]}
   */
  static void addF32(long x, long panel, int k, long sums) {
    for (int i = 0; i < TileKernel.PANEL; i += 2 * Lanes.COUNT) {
      f32(x, panel + 4L * i, k, sums + 4L * i);
    }
  }

  /**
   * The same with two panels.
   *
   * @param sums {@code float[2][PANEL]}
   */
  static void addF32(long x, long first, long second, int k, long sums) {
    for (int i = 0; i < TileKernel.PANEL; i += 2 * Lanes.COUNT) {
      f32(x, first + 4L * i, second + 4L * i, k, sums + 4L * i);
    }
  }

  private static void addBf16(long x, long panel, int k, long sums) {
    for (int i = 0; i < HALF_PANEL; i += Lanes.COUNT) {
      bf16(x, panel + 4L * i, k, sums + 4L * i);
    }
  }

  private static void f32(long x, long weights, int k, long out) {
    FloatVector low = Lanes.load(out);
    FloatVector high = Lanes.load(out + Lanes.BYTES);
    for (int i = 0; i < k; i++) {
      FloatVector input = FloatVector.broadcast(FLOATS, Raw.getFloat(x + 4L * i));
      long at = weights + i * TileKernel.B_PITCH;
      low = input.fma(FloatVector.fromMemorySegment(FLOATS, ALL, at, ORDER), low);
      high = input.fma(FloatVector.fromMemorySegment(FLOATS, ALL, at + Lanes.BYTES, ORDER), high);
    }
    Lanes.store(low, out);
    Lanes.store(high, out + Lanes.BYTES);
  }

  private static void f32(long x, long first, long second, int k, long out) {
    FloatVector low0 = Lanes.load(out);
    FloatVector high0 = Lanes.load(out + Lanes.BYTES);
    FloatVector low1 = Lanes.load(out + TileKernel.B_PITCH);
    FloatVector high1 = Lanes.load(out + TileKernel.B_PITCH + Lanes.BYTES);
    for (int i = 0; i < k; i++) {
      FloatVector input = FloatVector.broadcast(FLOATS, Raw.getFloat(x + 4L * i));
      long at0 = first + i * TileKernel.B_PITCH;
      long at1 = second + i * TileKernel.B_PITCH;
      low0 = input.fma(FloatVector.fromMemorySegment(FLOATS, ALL, at0, ORDER), low0);
      high0 =
          input.fma(FloatVector.fromMemorySegment(FLOATS, ALL, at0 + Lanes.BYTES, ORDER), high0);
      low1 = input.fma(FloatVector.fromMemorySegment(FLOATS, ALL, at1, ORDER), low1);
      high1 =
          input.fma(FloatVector.fromMemorySegment(FLOATS, ALL, at1 + Lanes.BYTES, ORDER), high1);
    }
    Lanes.store(low0, out);
    Lanes.store(high0, out + Lanes.BYTES);
    Lanes.store(low1, out + TileKernel.B_PITCH);
    Lanes.store(high1, out + TileKernel.B_PITCH + Lanes.BYTES);
  }

  private static void bf16(long x, long words, int k, long out) {
    FloatVector low = Lanes.load(out);
    FloatVector high = Lanes.load(out + 4L * HALF_PANEL);
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
