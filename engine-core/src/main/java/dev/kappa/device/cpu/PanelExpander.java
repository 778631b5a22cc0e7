package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.ORDER;
import static jdk.incubator.vector.VectorOperators.LSHL;

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
    spread(from, to, count);
    if (dtype == DType.F16) {
      Half.widenF16(to, count * TileKernel.PANEL);
    }
  }

  /** Puts each element into the high half of a 32-bit word, which is all that bf16 needs. */
  private static void spread(long from, long to, int count) {
    int words = (int) (count * PAIRS);
    for (int i = 0; i < words; i += Lanes.COUNT) {
      IntVector pairs = IntVector.fromMemorySegment(Lanes.INTS, Raw.ALL, from + 4L * i, ORDER);
      long at = to + 4L * target(i);
      pairs.lanewise(LSHL, 16).intoMemorySegment(Raw.ALL, at, ORDER);
      pairs.and(0xffff0000).intoMemorySegment(Raw.ALL, at + 4 * PAIRS, ORDER);
    }
  }

  /** Where the low half of word {@code i} goes: words come 16 to a column, floats 32. */
  private static long target(int i) {
    return (i & -PAIRS) * 2 + (i & (PAIRS - 1));
  }
}
