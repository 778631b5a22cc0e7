package dev.kappa.device.cpu;

import dev.kappa.device.Encoding;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What panels of blocks have in common: how one output's scales and words are put into them. */
final class QuantizedWords {

  /** Bytes of a row of 32 outputs' words. */
  static final long ROW = 4L * TileKernel.PANEL;

  /** Bytes of 32 outputs' f16 scales. */
  static final long SCALES = 2L * TileKernel.PANEL;

  private QuantizedWords() {}

  /** Puts an f16 into a column of a panel. */
  static void packScale(MemorySegment row, long from, int output, long to) {
    short bits = row.get(ValueLayout.JAVA_SHORT_UNALIGNED, from);
    Raw.putShort(to + 2L * PackedMatrix.slot(Encoding.F16, output), bits);
  }

  /** Puts a word into a row of words. */
  static void put(int word, int output, long to, int row) {
    Raw.putInt(to + row * ROW + 4L * output, word);
  }

  static int unsigned(MemorySegment row, long at) {
    return Byte.toUnsignedInt(row.get(ValueLayout.JAVA_BYTE, at));
  }
}
