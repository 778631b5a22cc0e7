package dev.kappa.device.cpu;

import dev.kappa.device.Encoding;
import dev.kappa.device.MatrixSource.Range;
import java.util.Arrays;
import java.util.List;

/**
 * A matrix as panels of 32 outputs side by side, so that a product reads it in order, whether for
 * one row or many. A panel has one encoding: where it changes from one output to the next, a panel
 * ends early and is filled up with zeros, as the last one is.
 *
 * <p>A panel of single elements is {@code [columns][32]}; within a column 16-bit types hold outputs
 * i and i + 16 as the low and high half of the i-th 32-bit word, which widens to two plain vectors.
 * For blocks see {@link PanelExpander}.
 */
final class PackedMatrix {

  private final int rows;
  private final int columns;
  private final long bytes;
  private final Encoding[] encodings;
  private final long[] addresses;

  /** Of each panel, and {@link #rows} behind the last. */
  private final int[] firstRows;

  /**
   * @param address of the first panel
   * @param ranges encodings of all rows, in order
   */
  PackedMatrix(long address, int columns, List<Range> ranges) {
    this.columns = columns;
    int panels = ranges.stream().mapToInt(range -> panels(range.rows())).sum();
    encodings = new Encoding[panels];
    addresses = new long[panels];
    firstRows = new int[panels + 1];
    int panel = 0;
    int row = 0;
    long at = address;
    for (Range range : ranges) {
      for (int i = 0; i < panels(range.rows()); i++) {
        encodings[panel] = range.encoding();
        addresses[panel] = at;
        firstRows[panel++] = row + i * TileKernel.PANEL;
        at += panelBytes(range.encoding(), columns);
      }
      row += range.rows();
    }
    firstRows[panels] = row;
    rows = row;
    bytes = at - address;
  }

  /** Bytes of such a matrix. */
  static long bytes(int columns, List<Range> ranges) {
    long bytes = 0;
    for (Range range : ranges) {
      long each = panelBytes(range.encoding(), columns);
      bytes = Math.addExact(bytes, Math.multiplyExact(each, panels(range.rows())));
    }
    return bytes;
  }

  private static int panels(int rows) {
    return Math.ceilDiv(rows, TileKernel.PANEL);
  }

  private static long panelBytes(Encoding encoding, int columns) {
    return Math.multiplyExact(encoding.bytes(columns), TileKernel.PANEL);
  }

  int rows() {
    return rows;
  }

  int columns() {
    return columns;
  }

  int panels() {
    return encodings.length;
  }

  Encoding encoding(int panel) {
    return encodings[panel];
  }

  long address(int panel) {
    return addresses[panel];
  }

  long panelBytes(int panel) {
    return panelBytes(encodings[panel], columns);
  }

  /** Bytes of a panel, on average, at least 1. */
  long meanPanelBytes() {
    return Math.max(1, bytes / Math.max(1, panels()));
  }

  /** The matrix's row that is a panel's first output. */
  int firstRow(int panel) {
    return firstRows[panel];
  }

  /** Outputs of a panel that exist. */
  int width(int panel) {
    return firstRows[panel + 1] - firstRows[panel];
  }

  /** The panel that holds a row. */
  int panelOf(int row) {
    int found = Arrays.binarySearch(firstRows, row);
    return found >= 0 ? found : -found - 2;
  }

  /** Bytes of one column of a panel whose elements are stored one by one. */
  static long columnBytes(Encoding encoding) {
    return encoding.bytes(TileKernel.PANEL);
  }

  /** Where an output lies within such a column, in elements. */
  static int slot(Encoding encoding, int output) {
    return encoding == Encoding.F32 ? output : 2 * (output % 16) + output / 16;
  }
}
