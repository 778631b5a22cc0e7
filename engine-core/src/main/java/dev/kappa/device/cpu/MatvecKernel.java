package dev.kappa.device.cpu;

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
      if (dtype == DType.BF16) {
        bf16(x, panel + 4L * i, k, out + 4L * i);
      } else {
        f16(x, panel + 4L * i, k, out + 4L * i);
      }
    }
  }

  private static void f32(long x, long weights, int k, long out) {
    FloatVector low = FloatVector.zero(Lanes.FLOATS);
    FloatVector high = low;
    for (int i = 0; i < k; i++) {
      FloatVector input = Lanes.broadcast(x + 4L * i);
      low = input.fma(Lanes.load(weights + i * TileKernel.B_PITCH), low);
      high = input.fma(Lanes.load(weights + i * TileKernel.B_PITCH + Lanes.BYTES), high);
    }
    Lanes.store(low, out);
    Lanes.store(high, out + Lanes.BYTES);
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
    Lanes.store(high, out + 4L * HALF_PANEL);
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
    Lanes.store(high, out + 4L * HALF_PANEL);
  }
}
