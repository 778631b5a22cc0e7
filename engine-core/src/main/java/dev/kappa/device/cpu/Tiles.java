package dev.kappa.device.cpu;

import jdk.incubator.vector.FloatVector;

/** Moves tiles of results, {@code [rows][PANEL]}, between a matrix and an array. */
final class Tiles {

  private Tiles() {}

  /**
   * Reads a tile.
   *
   * @param pitch bytes from one row of the matrix to the next
   * @param width columns that exist
   */
  static void load(long from, long pitch, float[] tile, int rows, int width) {
    for (int r = 0; r < rows; r++) {
      long row = from + r * pitch;
      int at = r * TileKernel.PANEL;
      if (width == TileKernel.PANEL) {
        for (int i = 0; i < TileKernel.PANEL; i += Lanes.COUNT) {
          Lanes.load(row + 4L * i).intoArray(tile, at + i);
        }
      } else {
        Elements.copy(row, tile, at, width);
      }
    }
  }

  /** Writes a tile. */
  static void store(float[] tile, long to, long pitch, int rows, int width) {
    for (int r = 0; r < rows; r++) {
      long row = to + r * pitch;
      int at = r * TileKernel.PANEL;
      if (width == TileKernel.PANEL) {
        for (int i = 0; i < TileKernel.PANEL; i += Lanes.COUNT) {
          Lanes.store(FloatVector.fromArray(Lanes.FLOATS, tile, at + i), row + 4L * i);
        }
      } else {
        Elements.copy(tile, at, row, width);
      }
    }
  }
}
