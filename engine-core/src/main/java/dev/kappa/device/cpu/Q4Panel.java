package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.ORDER;
import static dev.kappa.device.cpu.Raw.ALL;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.kappa.device.Encoding;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Panels of {@link Encoding#Q4_0}: of each 32 columns a column of f16 scales, then four rows of
 * words with eight elements each, as signed numbers.
 */
final class Q4Panel {

  private static final int BLOCK = 32;
  private static final int IN_WORD = 8;
  private static final long BLOCK_BYTES = (long) TileKernel.PANEL * Encoding.Q4_0.blockBytes();

  /** Takes 8 off each of eight unsigned numbers of four bits, which are signed then. */
  private static final int SIGNS = 0x88888888;

  private Q4Panel() {}

  /** Puts an output's block at {@code from} into its place in the blocks of a panel. */
  static void pack(MemorySegment row, long from, int output, long to) {
    QuantizedWords.packScale(row, from, output, to);
    for (int word = 0; word < BLOCK / IN_WORD; word++) {
      int bits = 0;
      for (int j = 0; j < IN_WORD; j++) {
        int k = word * IN_WORD + j;
        int pair = QuantizedWords.unsigned(row, from + 2 + k % 16);
        bits |= (pair >> (k / 16 * 4) & 15) << (4 * j);
      }
      QuantizedWords.put(bits ^ SIGNS, output, to + QuantizedWords.SCALES, word);
    }
  }

  /** See {@link PanelExpander#expand}. */
  static void expand(long panel, int k, int count, long to) {
    long from = panel + k / BLOCK * BLOCK_BYTES;
    long at = to;
    for (int done = 0; done < count; done += BLOCK) {
      // The scales take the first column's place for as long as they are needed.
      PanelExpander.widen(from, at, 1);
      for (int output = 0; output < TileKernel.PANEL; output += Lanes.COUNT) {
        expandBlock(from + QuantizedWords.SCALES + 4L * output, at + 4L * output);
      }
      from += BLOCK_BYTES;
      at += BLOCK * TileKernel.B_PITCH;
    }
  }

  private static void expandBlock(long from, long to) {
    FloatVector scale = FloatVector.fromMemorySegment(Lanes.FLOATS, ALL, to, ORDER);
    for (int k = 0; k < BLOCK; k += IN_WORD) {
      IntVector words =
          IntVector.fromMemorySegment(
              Lanes.INTS, ALL, from + k / IN_WORD * QuantizedWords.ROW, ORDER);
      long at = to + k * TileKernel.B_PITCH;
      for (int j = 0; j < IN_WORD; j++) {
        IntVector values = words.lanewise(LSHL, 28 - 4 * j).lanewise(ASHR, 28);
        ((FloatVector) values.convert(I2F, 0))
            .mul(scale)
            .intoMemorySegment(ALL, at + j * TileKernel.B_PITCH, ORDER);
      }
    }
  }
}
