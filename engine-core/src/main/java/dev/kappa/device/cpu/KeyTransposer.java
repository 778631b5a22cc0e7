package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.ORDER;
import static jdk.incubator.vector.VectorOperators.LSHL;

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
   * Transposes {@link KvTile#GROUP} rows; 16-bit types go to the high halves of words.
   *
   * @param from rows of {@code headDim} elements, one after the other
   * @param to {@code headDim} rows of words, {@link TileKernel#B_PITCH} bytes apart
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
        long at = from + t * rowBytes + (long) d * dtype.bytes();
        int word = dtype == DType.F32 ? Raw.getInt(at) : Raw.getShort(at) << 16;
        Raw.putInt(to + d * TileKernel.B_PITCH + 4L * t, word);
      }
    }
  }

  /** Reads the rows of a square and interleaves them for the first time. */
  private void load(long from, long rowBytes) {
    for (int i = 0; i < SIDE / 2; i++) {
      IntVector first =
          IntVector.fromMemorySegment(Lanes.INTS, Raw.ALL, from + i * rowBytes, ORDER);
      IntVector second =
          IntVector.fromMemorySegment(Lanes.INTS, Raw.ALL, from + (i + SIDE / 2) * rowBytes, ORDER);
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
    if (dtype == DType.F32) {
      storeWords(square, to);
    } else {
      storeHalves(square, to);
    }
  }

  private static void storeWords(int[] square, long to) {
    for (int i = 0; i < SIDE; i++) {
      IntVector words = IntVector.fromArray(Lanes.INTS, square, i * SIDE);
      words.intoMemorySegment(Raw.ALL, to + i * TileKernel.B_PITCH, ORDER);
    }
  }

  private static void storeHalves(int[] square, long to) {
    for (int i = 0; i < SIDE; i++) {
      IntVector words = IntVector.fromArray(Lanes.INTS, square, i * SIDE);
      words.lanewise(LSHL, 16).intoMemorySegment(Raw.ALL, to + 2L * i * TileKernel.B_PITCH, ORDER);
      words
          .and(0xffff0000)
          .intoMemorySegment(Raw.ALL, to + (2L * i + 1) * TileKernel.B_PITCH, ORDER);
    }
  }
}
