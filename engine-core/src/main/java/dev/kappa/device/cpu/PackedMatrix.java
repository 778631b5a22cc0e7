package dev.kappa.device.cpu;

import dev.kappa.device.DType;

/**
 * A matrix as panels {@code [rows / 32][columns][32]}: 32 outputs side by side, so that a product
 * reads it in order, whether for one row or many. The last panel is filled up with zeros. Within a
 * panel's row, 16-bit types hold outputs i and i + 16 as the low and high half of the i-th 32-bit
 * word, which widens to two plain vectors.
 *
 * @param address of the first panel
 */
record PackedMatrix(long address, int rows, int columns, DType dtype) {

  int panels() {
    return Math.ceilDiv(rows, TileKernel.PANEL);
  }

  /** Outputs of a panel that exist. */
  int width(int panel) {
    return Math.min(TileKernel.PANEL, rows - panel * TileKernel.PANEL);
  }

  /** Bytes of one column of a panel. */
  long columnBytes() {
    return (long) TileKernel.PANEL * dtype.bytes();
  }

  long panelBytes() {
    return columns * columnBytes();
  }

  /** Where an output lies within a panel's column, in elements. */
  static int slot(DType dtype, int output) {
    return dtype == DType.F32 ? output : 2 * (output % 16) + output / 16;
  }
}
