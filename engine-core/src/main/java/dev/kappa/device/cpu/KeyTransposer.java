package dev.kappa.device.cpu;

import dev.kappa.device.DType;
import jdk.incubator.vector.IntVector;

/**
 * Turns sixteen token rows of keys into columns of a panel: squares of 32-bit words are transposed
 * by interleaving the first half of their rows with the second, once per bit of the row's number. A
 * word holds one float or two neighbours of a 16-bit type.
 */
final class KeyTransposer {

  private static final int SIDE = Lanes.COUNT;
  private static final int STAGES = Integer.numberOfTrailingZeros(SIDE);

  /** Lanes of two vectors by turns: from their lower, and from their upper halves. */
  private static final IntVector LOWER = interleaved(0);

  private static final IntVector UPPER = interleaved(SIDE / 2);

  private final int[] even = new int[SIDE * SIDE];
  private final int[] odd = new int[SIDE * SIDE];

  private static IntVector interleaved(int from) {
    int[] lanes = new int[SIDE];
    for (int i = 0; i < SIDE; i++) {
      lanes[i] = from + i / 2 + i % 2 * SIDE;
    }
    return IntVector.fromArray(Lanes.INTS, lanes, 0);
  }

  /**
   * Widens and transposes {@link KvTile#GROUP} rows.
   *
   * @param from rows of {@code headDim} elements, one after the other
   * @param to {@code headDim} rows of floats, {@link TileKernel#B_PITCH} bytes apart
   */
  void transpose(DType dtype, long from, int headDim, long to) {
    long rowBytes = (long) headDim * dtype.bytes();
    int elements = SIDE * Integer.BYTES / dtype.bytes();
    int whole = headDim - headDim % elements;
    for (int t = 0; t < KvTile.GROUP; t += SIDE) {
      for (int d = 0; d < whole; d += elements) {
        load(from + t * rowBytes + (long) d * dtype.bytes(), rowBytes);
        store(dtype, transposed(), to + d * TileKernel.B_PITCH + 4L * t);
      }
    }
    for (int t = 0; t < KvTile.GROUP && whole < headDim; t++) {
      for (int d = whole; d < headDim; d++) {
        float value = Half.read(dtype, from + t * rowBytes + (long) d * dtype.bytes());
        Raw.putFloat(to + d * TileKernel.B_PITCH + 4L * t, value);
      }
    }
  }

  /** Reads the rows of a square and interleaves them for the first time. */
  private void load(long from, long rowBytes) {
    for (int i = 0; i < SIDE / 2; i++) {
      IntVector first = Lanes.loadInts(from + i * rowBytes);
      IntVector second = Lanes.loadInts(from + (i + SIDE / 2) * rowBytes);
      LOWER.selectFrom(first, second).intoArray(odd, 2 * i * SIDE);
      UPPER.selectFrom(first, second).intoArray(odd, (2 * i + 1) * SIDE);
    }
  }

  private int[] transposed() {
    int[] from = odd;
    int[] to = even;
    for (int stage = 1; stage < STAGES; stage++) {
      for (int i = 0; i < SIDE / 2; i++) {
        IntVector first = IntVector.fromArray(Lanes.INTS, from, i * SIDE);
        IntVector second = IntVector.fromArray(Lanes.INTS, from, (i + SIDE / 2) * SIDE);
        LOWER.selectFrom(first, second).intoArray(to, 2 * i * SIDE);
        UPPER.selectFrom(first, second).intoArray(to, (2 * i + 1) * SIDE);
      }
      int[] swap = from;
      from = to;
      to = swap;
    }
    return from;
  }

  private static void store(DType dtype, int[] square, long to) {
    switch (dtype) {
      case F32 -> storeF32(square, to);
      case BF16 -> storeBf16(square, to);
      case F16 -> storeF16(square, to);
    }
  }

  private static void storeF32(int[] square, long to) {
    for (int i = 0; i < SIDE; i++) {
      IntVector words = IntVector.fromArray(Lanes.INTS, square, i * SIDE);
      Lanes.store(words.reinterpretAsFloats(), to + i * TileKernel.B_PITCH);
    }
  }

  private static void storeBf16(int[] square, long to) {
    for (int i = 0; i < SIDE; i++) {
      IntVector words = IntVector.fromArray(Lanes.INTS, square, i * SIDE);
      Lanes.store(Half.lowBf16(words), to + 2 * i * TileKernel.B_PITCH);
      Lanes.store(Half.highBf16(words), to + (2 * i + 1) * TileKernel.B_PITCH);
    }
  }

  private static void storeF16(int[] square, long to) {
    for (int i = 0; i < SIDE; i++) {
      IntVector words = IntVector.fromArray(Lanes.INTS, square, i * SIDE);
      Lanes.store(Half.lowF16(words), to + 2 * i * TileKernel.B_PITCH);
      Lanes.store(Half.highF16(words), to + (2 * i + 1) * TileKernel.B_PITCH);
    }
  }
}
