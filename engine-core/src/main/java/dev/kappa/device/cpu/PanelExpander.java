package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.ORDER;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.kappa.device.Encoding;
import jdk.incubator.vector.IntVector;

/**
 * Turns columns of a packed panel into floats, in the order of outputs.
 *
 * <p>Blocks of 32 outputs for the same columns lie together: first their scales, side by side, then
 * their elements. A 32-bit word holds as many consecutive elements of one output as fit it, the
 * first one lowest, and the words of 32 outputs are neighbours, so that shifts bring whole vectors
 * of elements out. No bit is added to those of the file.
 */
final class PanelExpander {

  private static final long PAIRS = TileKernel.PANEL / 2;

  private PanelExpander() {}

  /**
   * Expands columns.
   *
   * @param encoding any but F32, whose panels are floats already
   * @param panel address of the panel's first column
   * @param k first column; of blocks, a multiple of 32
   * @param count columns; of blocks, a multiple of 32
   * @param to {@code float[count][PANEL]}
   */
  static void expand(Encoding encoding, long panel, int k, int count, long to) {
    switch (encoding) {
      case BF16 -> spread(panel + k * PackedMatrix.columnBytes(encoding), to, count);
      case F16 -> widen(panel + k * PackedMatrix.columnBytes(encoding), to, count);
      case Q8_0 -> SignedPanel.expand(8, panel, k, count, to);
      case Q4_0 -> SignedPanel.expand(4, panel, k, count, to);
      case Q4_K -> Q4KPanel.expand(panel, k, count, to);
      case Q6_K -> Q6KPanel.expand(panel, k, count, to);
      case F32 -> throw new IllegalArgumentException("F32 is not expanded");
    }
  }

  /** Expands columns of f16. */
  static void widen(long from, long to, int count) {
    spread(from, to, count);
    Half.widenF16(to, count * TileKernel.PANEL);
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
