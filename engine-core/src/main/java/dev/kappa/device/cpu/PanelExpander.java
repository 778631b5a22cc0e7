package dev.kappa.device.cpu;

import dev.kappa.device.DType;
import jdk.incubator.vector.IntVector;

/** Widens columns of a packed panel to floats, in the order of outputs. */
final class PanelExpander {

  private static final long PAIRS = TileKernel.PANEL / 2;

  private PanelExpander() {}

  /**
   * Widens 16-bit panel columns.
   *
   * @param dtype BF16 or F16
   * @param from {@code count} columns of a packed panel
   * @param to {@code float[count][PANEL]}
   */
  static void expand(DType dtype, long from, long to, int count) {
    if (dtype == DType.BF16) {
      expandBf16(from, to, count);
    } else {
      expandF16(from, to, count);
    }
  }

  private static void expandBf16(long from, long to, int count) {
    int words = (int) (count * PAIRS);
    for (int i = 0; i < words; i += Lanes.COUNT) {
      IntVector pairs = Lanes.loadInts(from + 4L * i);
      long at = to + 4L * target(i);
      Lanes.store(Half.lowBf16(pairs), at);
      Lanes.store(Half.highBf16(pairs), at + 4 * PAIRS);
    }
  }

  private static void expandF16(long from, long to, int count) {
    int words = (int) (count * PAIRS);
    for (int i = 0; i < words; i += Lanes.COUNT) {
      IntVector pairs = Lanes.loadInts(from + 4L * i);
      long at = to + 4L * target(i);
      Lanes.store(Half.lowF16(pairs), at);
      Lanes.store(Half.highF16(pairs), at + 4 * PAIRS);
    }
  }

  /** Where the low half of word {@code i} goes: words come 16 to a column, floats 32. */
  private static long target(int i) {
    return (i & -PAIRS) * 2 + (i & (PAIRS - 1));
  }
}
