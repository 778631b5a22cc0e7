package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.BYTES;
import static dev.kappa.device.cpu.Lanes.FLOATS;
import static dev.kappa.device.cpu.Lanes.INTS;
import static dev.kappa.device.cpu.Lanes.ORDER;
import static dev.kappa.device.cpu.Raw.ALL;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;

import dev.kappa.device.Encoding;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Panels of {@link Encoding#Q4_K}: of each 256 columns a column of f16 scales and one of f16
 * minima, three rows of words with what the groups of 32 columns have, as in the file, then 32 rows
 * of words with eight elements each.
 */
final class Q4KPanel {

  private static final int BLOCK = 256;
  private static final int GROUP = 32;
  private static final int IN_WORD = 8;
  private static final long BLOCK_BYTES = (long) TileKernel.PANEL * Encoding.Q4_K.blockBytes();
  private static final long GROUPS = 2 * QuantizedWords.SCALES;
  private static final long WORDS = GROUPS + 3 * QuantizedWords.ROW;

  private Q4KPanel() {}

  /** Puts an output's block at {@code from} into its place in the blocks of a panel. */
  static void pack(MemorySegment row, long from, int output, long to) {
    QuantizedWords.packScale(row, from, output, to);
    QuantizedWords.packScale(row, from + 2, output, to + QuantizedWords.SCALES);
    for (int word = 0; word < 3; word++) {
      int bits = row.get(ValueLayout.JAVA_INT_UNALIGNED, from + 4 + 4L * word);
      QuantizedWords.put(bits, output, to + GROUPS, word);
    }
    for (int word = 0; word < BLOCK / IN_WORD; word++) {
      int bits = 0;
      for (int j = 0; j < IN_WORD; j++) {
        int k = word * IN_WORD + j;
        int group = k / GROUP;
        int pair = QuantizedWords.unsigned(row, from + 16 + group / 2 * GROUP + k % GROUP);
        bits |= (pair >> (group % 2 * 4) & 15) << (4 * j);
      }
      QuantizedWords.put(bits, output, to + WORDS, word);
    }
  }

  /** See {@link PanelExpander#expand}. */
  static void expand(long panel, int k, int count, long to) {
    for (int done = 0; done < count; done += GROUP) {
      long block = panel + (k + done) / BLOCK * BLOCK_BYTES;
      int group = (k + done) % BLOCK / GROUP;
      long at = to + done * TileKernel.B_PITCH;
      // Scales and minima take the first columns' places for as long as they are needed.
      scales(block, group, at);
      for (int output = 0; output < TileKernel.PANEL; output += Lanes.COUNT) {
        expandGroup(words(block, group) + 4L * output, at + 4L * output);
      }
    }
  }

  /** Writes a group's scales and its minima, {@code float[2][PANEL]}. */
  private static void scales(long block, int group, long to) {
    PanelExpander.widen(block, to, 2);
    for (int output = 0; output < TileKernel.PANEL; output += Lanes.COUNT) {
      multiply(block + GROUPS + 4L * output, group, to + 4L * output);
    }
  }

  private static void multiply(long groups, int group, long to) {
    IntVector scales = IntVector.fromMemorySegment(INTS, ALL, groups, ORDER);
    IntVector minima = IntVector.fromMemorySegment(INTS, ALL, groups + QuantizedWords.ROW, ORDER);
    int shift = group % 4 * 8;
    if (group < 4) {
      scales = scales.lanewise(LSHR, shift).and(63);
      minima = minima.lanewise(LSHR, shift).and(63);
    } else {
      IntVector low =
          IntVector.fromMemorySegment(INTS, ALL, groups + 2 * QuantizedWords.ROW, ORDER)
              .lanewise(LSHR, shift);
      scales = scales.lanewise(LSHR, shift + 2).and(48).or(low.and(15));
      minima = minima.lanewise(LSHR, shift + 2).and(48).or(low.lanewise(LSHR, 4).and(15));
    }
    FloatVector.fromMemorySegment(FLOATS, ALL, to, ORDER)
        .mul((FloatVector) scales.convert(I2F, 0))
        .intoMemorySegment(ALL, to, ORDER);
    long behind = to + TileKernel.B_PITCH;
    FloatVector.fromMemorySegment(FLOATS, ALL, behind, ORDER)
        .mul((FloatVector) minima.convert(I2F, 0))
        .intoMemorySegment(ALL, behind, ORDER);
  }

  private static long words(long block, int group) {
    return block + WORDS + (long) group * (GROUP / IN_WORD) * QuantizedWords.ROW;
  }

  private static void expandGroup(long words, long to) {
    FloatVector scale = FloatVector.fromMemorySegment(FLOATS, ALL, to, ORDER);
    FloatVector minimum =
        FloatVector.fromMemorySegment(FLOATS, ALL, to + TileKernel.B_PITCH, ORDER);
    for (int k = 0; k < GROUP; k += IN_WORD) {
      IntVector word =
          IntVector.fromMemorySegment(INTS, ALL, words + k / IN_WORD * QuantizedWords.ROW, ORDER);
      long at = to + k * TileKernel.B_PITCH;
      for (int j = 0; j < IN_WORD; j++) {
        element(word, 4 * j, scale, minimum)
            .intoMemorySegment(ALL, at + j * TileKernel.B_PITCH, ORDER);
      }
    }
  }

  /** See {@link MatvecKernel#add}. */
  static void add(long x, long panel, int columns, long scratch, long sums) {
    for (int k = 0; k < columns; k += GROUP) {
      long block = panel + k / BLOCK * BLOCK_BYTES;
      int group = k % BLOCK / GROUP;
      scales(block, group, scratch);
      for (int output = 0; output < TileKernel.PANEL; output += 2 * Lanes.COUNT) {
        long offset = 4L * output;
        addGroup(x + 4L * k, words(block, group) + offset, scratch + offset, sums + offset);
      }
    }
  }

  private static void addGroup(long x, long words, long scales, long sums) {
    FloatVector low = FloatVector.fromMemorySegment(FLOATS, ALL, sums, ORDER);
    FloatVector high = FloatVector.fromMemorySegment(FLOATS, ALL, sums + BYTES, ORDER);
    FloatVector lowScale = FloatVector.fromMemorySegment(FLOATS, ALL, scales, ORDER);
    FloatVector highScale = FloatVector.fromMemorySegment(FLOATS, ALL, scales + BYTES, ORDER);
    long minima = scales + TileKernel.B_PITCH;
    FloatVector lowMinimum = FloatVector.fromMemorySegment(FLOATS, ALL, minima, ORDER);
    FloatVector highMinimum = FloatVector.fromMemorySegment(FLOATS, ALL, minima + BYTES, ORDER);
    for (int k = 0; k < GROUP; k += IN_WORD) {
      long from = words + k / IN_WORD * QuantizedWords.ROW;
      IntVector lowWord = IntVector.fromMemorySegment(INTS, ALL, from, ORDER);
      IntVector highWord = IntVector.fromMemorySegment(INTS, ALL, from + BYTES, ORDER);
      long in = x + 4L * k;
      for (int j = 0; j < IN_WORD; j++) {
        FloatVector input = FloatVector.broadcast(FLOATS, Raw.getFloat(in + 4L * j));
        low = input.fma(element(lowWord, 4 * j, lowScale, lowMinimum), low);
        high = input.fma(element(highWord, 4 * j, highScale, highMinimum), high);
      }
    }
    low.intoMemorySegment(ALL, sums, ORDER);
    high.intoMemorySegment(ALL, sums + BYTES, ORDER);
  }

  /**
   * A product and a difference, each rounded, as in the reference; not a fused one. Small enough to
   * be inlined always.
   */
  private static FloatVector element(
      IntVector word, int shift, FloatVector scale, FloatVector minimum) {
    return ((FloatVector) word.lanewise(LSHR, shift).and(15).convert(I2F, 0))
        .mul(scale)
        .sub(minimum);
  }
}
