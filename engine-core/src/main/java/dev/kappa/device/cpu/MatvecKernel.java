package dev.kappa.device.cpu;

import dev.kappa.device.DType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * One row times a panel, reading 16-bit weights straight from memory: decoding is bound by that
 * read. The chains of multiply-adds are those of {@link TileKernel}.
 */
final class MatvecKernel {

  private static final long COLUMN = 2L * TileKernel.PANEL;
  private static final long HALF_PANEL = 2L * TileKernel.PANEL;

  private MatvecKernel() {}

  /**
   * Computes a panel's outputs.
   *
   * @param x {@code float[k]}
   * @param panel {@code k} columns of the panel
   * @param out {@code float[PANEL]}
   */
  static void multiply(DType dtype, long x, long panel, int k, long out) {
    for (int i = 0; i < TileKernel.PANEL / 2; i += Lanes.COUNT) {
      long at = panel + 4L * i;
      if (dtype == DType.BF16) {
        bf16(x, at, k, out + 4L * i);
      } else {
        f16(x, at, k, out + 4L * i);
      }
    }
  }

  private static void bf16(long x, long words, int k, long out) {
    FloatVector low = FloatVector.zero(Lanes.FLOATS);
    FloatVector high = low;
    for (int i = 0; i < k; i++) {
      IntVector pairs = Lanes.loadInts(words + i * COLUMN);
      FloatVector input = Lanes.broadcast(x + 4L * i);
      low = input.fma(Half.lowBf16(pairs), low);
      high = input.fma(Half.highBf16(pairs), high);
    }
    Lanes.store(low, out);
    Lanes.store(high, out + HALF_PANEL);
  }

  private static void f16(long x, long words, int k, long out) {
    FloatVector low = FloatVector.zero(Lanes.FLOATS);
    FloatVector high = low;
    for (int i = 0; i < k; i++) {
      IntVector pairs = Lanes.loadInts(words + i * COLUMN);
      FloatVector input = Lanes.broadcast(x + 4L * i);
      low = input.fma(Half.lowF16(pairs), low);
      high = input.fma(Half.highF16(pairs), high);
    }
    Lanes.store(low, out);
    Lanes.store(high, out + HALF_PANEL);
  }
}
