package dev.kappa.device.cpu;

import dev.kappa.device.DType;

/** Turns sixteen token rows of keys into columns of a panel. */
final class KeyTransposer {

  private KeyTransposer() {}

  /**
   * Widens and transposes {@link KvTile#GROUP} rows.
   *
   * @param from rows of {@code headDim} elements, one after the other
   * @param to {@code headDim} rows of floats, {@link TileKernel#B_PITCH} bytes apart
   */
  static void transpose(DType dtype, long from, int headDim, long to) {
    for (int t = 0; t < KvTile.GROUP; t++) {
      long row = from + (long) t * headDim * dtype.bytes();
      for (int d = 0; d < headDim; d++) {
        float value = Half.read(dtype, row + (long) d * dtype.bytes());
        Raw.putFloat(to + d * TileKernel.B_PITCH + 4L * t, value);
      }
    }
  }
}
