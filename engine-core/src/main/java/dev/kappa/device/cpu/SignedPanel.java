package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.BYTES;
import static dev.kappa.device.cpu.Lanes.FLOATS;
import static dev.kappa.device.cpu.Lanes.INTS;
import static dev.kappa.device.cpu.Lanes.ORDER;
import static dev.kappa.device.cpu.Raw.ALL;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import dev.kappa.device.Encoding;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Panels of {@link Encoding#Q8_0} and {@link Encoding#Q4_0}, whose elements are signed numbers of
 * eight or four bits times a scale: of each 32 columns a column of f16 scales, then as many rows of
 * words as an element has bits.
 */
final class SignedPanel {

  private static final int BLOCK = 32;
  private static final int WORD = 32;

  /** Takes 8 off each of eight unsigned numbers of four bits, which are signed then. */
  private static final int SIGNS = 0x88888888;

  private SignedPanel() {}

  /** Puts an output's block of Q8_0 at {@code from} into its place in the blocks of a panel. */
  static void packQ8(MemorySegment row, long from, int output, long to) {
    QuantizedWords.packScale(row, from, output, to);
    for (int word = 0; word < 8; word++) {
      int bits = row.get(ValueLayout.JAVA_INT_UNALIGNED, from + 2 + 4L * word);
      QuantizedWords.put(bits, output, to + QuantizedWords.SCALES, word);
    }
  }

  /** The same with a block of Q4_0. */
  static void packQ4(MemorySegment row, long from, int output, long to) {
    QuantizedWords.packScale(row, from, output, to);
    for (int word = 0; word < 4; word++) {
      int bits = 0;
      for (int j = 0; j < 8; j++) {
        int k = word * 8 + j;
        int pair = QuantizedWords.unsigned(row, from + 2 + k % 16);
        bits |= (pair >> (k / 16 * 4) & 15) << (4 * j);
      }
      QuantizedWords.put(bits ^ SIGNS, output, to + QuantizedWords.SCALES, word);
    }
  }

  private static long blockBytes(int bits) {
    return QuantizedWords.SCALES + bits * QuantizedWords.ROW;
  }

  /**
   * See {@link PanelExpander#expand}.
   *
   * @param bits of an element
   */
  static void expand(int bits, long panel, int k, int count, long to) {
    long from = panel + k / BLOCK * blockBytes(bits);
    long at = to;
    for (int done = 0; done < count; done += BLOCK) {
      // The scales take the first column's place for as long as they are needed.
      PanelExpander.widen(from, at, 1);
      for (int output = 0; output < TileKernel.PANEL; output += Lanes.COUNT) {
        expandBlock(bits, from + QuantizedWords.SCALES + 4L * output, at + 4L * output);
      }
      from += blockBytes(bits);
      at += BLOCK * TileKernel.B_PITCH;
    }
  }

  private static void expandBlock(int bits, long from, long to) {
    FloatVector scale = FloatVector.fromMemorySegment(FLOATS, ALL, to, ORDER);
    int right = WORD - bits;
    long at = to;
    for (int row = 0; row < bits; row++) {
      IntVector words =
          IntVector.fromMemorySegment(INTS, ALL, from + row * QuantizedWords.ROW, ORDER);
      for (int left = right; left >= 0; left -= bits) {
        element(words, left, right, scale).intoMemorySegment(ALL, at, ORDER);
        at += TileKernel.B_PITCH;
      }
    }
  }

  /**
   * See {@link MatvecKernel#add}.
   *
   * @param bits of an element
   */
  static void add(int bits, long x, long panel, int columns, long scratch, long sums) {
    for (int k = 0; k < columns; k += BLOCK) {
      long block = panel + k / BLOCK * blockBytes(bits);
      PanelExpander.widen(block, scratch, 1);
      for (int output = 0; output < TileKernel.PANEL; output += 2 * Lanes.COUNT) {
        long offset = 4L * output;
        long words = block + QuantizedWords.SCALES + offset;
        addBlock(bits, x + 4L * k, words, scratch + offset, sums + offset);
      }
    }
  }

  private static void addBlock(int bits, long x, long words, long scales, long sums) {
    FloatVector low = FloatVector.fromMemorySegment(FLOATS, ALL, sums, ORDER);
    FloatVector high = FloatVector.fromMemorySegment(FLOATS, ALL, sums + BYTES, ORDER);
    FloatVector lowScale = FloatVector.fromMemorySegment(FLOATS, ALL, scales, ORDER);
    FloatVector highScale = FloatVector.fromMemorySegment(FLOATS, ALL, scales + BYTES, ORDER);
    int right = WORD - bits;
    long in = x;
    for (int row = 0; row < bits; row++) {
      long from = words + row * QuantizedWords.ROW;
      IntVector lowWords = IntVector.fromMemorySegment(INTS, ALL, from, ORDER);
      IntVector highWords = IntVector.fromMemorySegment(INTS, ALL, from + BYTES, ORDER);
      for (int left = right; left >= 0; left -= bits) {
        FloatVector input = FloatVector.broadcast(FLOATS, Raw.getFloat(in));
        low = input.fma(element(lowWords, left, right, lowScale), low);
        high = input.fma(element(highWords, left, right, highScale), high);
        in += Float.BYTES;
      }
    }
    low.intoMemorySegment(ALL, sums, ORDER);
    high.intoMemorySegment(ALL, sums + BYTES, ORDER);
  }

  /** Small enough to be inlined always. */
  private static FloatVector element(IntVector words, int left, int right, FloatVector scale) {
    return ((FloatVector) words.lanewise(LSHL, left).lanewise(ASHR, right).convert(I2F, 0))
        .mul(scale);
  }
}
