package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.BYTES;
import static dev.kappa.device.cpu.Lanes.FLOATS;
import static dev.kappa.device.cpu.Lanes.INTS;
import static dev.kappa.device.cpu.Lanes.ORDER;
import static dev.kappa.device.cpu.Raw.ALL;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import dev.kappa.device.Encoding;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Panels of {@link Encoding#Q6_K}: of each 256 columns a column of f16 scales, four rows of words
 * with the scales of groups of 16 columns, 32 rows of words with the low four bits of eight
 * elements each, and 16 with the high two bits of 16 elements each, as signed numbers.
 */
final class Q6KPanel {

  private static final int BLOCK = 256;
  private static final int GROUP = 16;
  private static final int IN_LOW = 8;
  private static final long BLOCK_BYTES = (long) TileKernel.PANEL * Encoding.Q6_K.blockBytes();
  private static final long GROUPS = QuantizedWords.SCALES;
  private static final long LOW = GROUPS + 4 * QuantizedWords.ROW;
  private static final long HIGH = LOW + BLOCK / IN_LOW * QuantizedWords.ROW;

  /** Takes 32 off each of 16 numbers of six bits of which these are the high two. */
  private static final int SIGNS = 0xaaaaaaaa;

  private Q6KPanel() {}

  /** Puts an output's block at {@code from} into its place in the blocks of a panel. */
  static void pack(MemorySegment row, long from, int output, long to) {
    QuantizedWords.packScale(row, from + 208, output, to);
    for (int word = 0; word < 4; word++) {
      int bits = row.get(ValueLayout.JAVA_INT_UNALIGNED, from + 192 + 4L * word);
      QuantizedWords.put(bits, output, to + GROUPS, word);
    }
    for (int word = 0; word < BLOCK / IN_LOW; word++) {
      int bits = 0;
      for (int j = 0; j < IN_LOW; j++) {
        int k = word * IN_LOW + j;
        int pair = QuantizedWords.unsigned(row, from + k / 128 * 64 + k % 64);
        bits |= (pair >> (k % 128 / 64 * 4) & 15) << (4 * j);
      }
      QuantizedWords.put(bits, output, to + LOW, word);
    }
    for (int word = 0; word < BLOCK / GROUP; word++) {
      int bits = 0;
      for (int j = 0; j < GROUP; j++) {
        int k = word * GROUP + j;
        int four = QuantizedWords.unsigned(row, from + 128 + k / 128 * 32 + k % 32);
        bits |= (four >> (k % 128 / 32 * 2) & 3) << (2 * j);
      }
      QuantizedWords.put(bits ^ SIGNS, output, to + HIGH, word);
    }
  }

  /** See {@link PanelExpander#expand}. */
  static void expand(long panel, int k, int count, long to) {
    for (int done = 0; done < count; done += GROUP) {
      long block = panel + (k + done) / BLOCK * BLOCK_BYTES;
      int group = (k + done) % BLOCK / GROUP;
      long at = to + done * TileKernel.B_PITCH;
      // The scales take the first column's place for as long as they are needed.
      scales(block, group, at);
      for (int output = 0; output < TileKernel.PANEL; output += Lanes.COUNT) {
        expandGroup(block + 4L * output, group, at + 4L * output);
      }
    }
  }

  /** Writes a group's scales, {@code float[PANEL]}. */
  private static void scales(long block, int group, long to) {
    PanelExpander.widen(block, to, 1);
    long groups = block + GROUPS + group / 4 * QuantizedWords.ROW;
    for (int output = 0; output < TileKernel.PANEL; output += Lanes.COUNT) {
      IntVector scales =
          IntVector.fromMemorySegment(INTS, ALL, groups + 4L * output, ORDER)
              .lanewise(LSHL, 24 - group % 4 * 8)
              .lanewise(ASHR, 24);
      long at = to + 4L * output;
      FloatVector.fromMemorySegment(FLOATS, ALL, at, ORDER)
          .mul((FloatVector) scales.convert(I2F, 0))
          .intoMemorySegment(ALL, at, ORDER);
    }
  }

  private static long high(long block, int group) {
    return block + HIGH + group * QuantizedWords.ROW;
  }

  private static long low(long block, int group) {
    return block + LOW + (long) group * (GROUP / IN_LOW) * QuantizedWords.ROW;
  }

  private static void expandGroup(long block, int group, long to) {
    FloatVector scale = FloatVector.fromMemorySegment(FLOATS, ALL, to, ORDER);
    IntVector high = IntVector.fromMemorySegment(INTS, ALL, high(block, group), ORDER);
    for (int k = 0; k < GROUP; k += IN_LOW) {
      long from = low(block, group) + k / IN_LOW * QuantizedWords.ROW;
      IntVector low = IntVector.fromMemorySegment(INTS, ALL, from, ORDER);
      long at = to + k * TileKernel.B_PITCH;
      for (int j = 0; j < IN_LOW; j++) {
        element(low, 4 * j, high, 30 - 2 * (k + j), scale)
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
        long in = x + 4L * k;
        addGroup(
            in,
            low(block, group) + offset,
            high(block, group) + offset,
            scratch + offset,
            sums + offset);
      }
    }
  }

  private static void addGroup(long x, long lows, long highs, long scales, long sums) {
    FloatVector left = FloatVector.fromMemorySegment(FLOATS, ALL, sums, ORDER);
    FloatVector right = FloatVector.fromMemorySegment(FLOATS, ALL, sums + BYTES, ORDER);
    FloatVector leftScale = FloatVector.fromMemorySegment(FLOATS, ALL, scales, ORDER);
    FloatVector rightScale = FloatVector.fromMemorySegment(FLOATS, ALL, scales + BYTES, ORDER);
    IntVector leftHigh = IntVector.fromMemorySegment(INTS, ALL, highs, ORDER);
    IntVector rightHigh = IntVector.fromMemorySegment(INTS, ALL, highs + BYTES, ORDER);
    for (int k = 0; k < GROUP; k += IN_LOW) {
      long from = lows + k / IN_LOW * QuantizedWords.ROW;
      IntVector leftLow = IntVector.fromMemorySegment(INTS, ALL, from, ORDER);
      IntVector rightLow = IntVector.fromMemorySegment(INTS, ALL, from + BYTES, ORDER);
      long in = x + 4L * k;
      for (int j = 0; j < IN_LOW; j++) {
        FloatVector input = FloatVector.broadcast(FLOATS, Raw.getFloat(in + 4L * j));
        int shift = 30 - 2 * (k + j);
        left = input.fma(element(leftLow, 4 * j, leftHigh, shift, leftScale), left);
        right = input.fma(element(rightLow, 4 * j, rightHigh, shift, rightScale), right);
      }
    }
    left.intoMemorySegment(ALL, sums, ORDER);
    right.intoMemorySegment(ALL, sums + BYTES, ORDER);
  }

  /** Small enough to be inlined always. */
  private static FloatVector element(
      IntVector low, int right, IntVector high, int left, FloatVector scale) {
    IntVector top = high.lanewise(LSHL, left).lanewise(ASHR, 26).and(-16);
    return ((FloatVector) low.lanewise(LSHR, right).and(15).or(top).convert(I2F, 0)).mul(scale);
  }
}
