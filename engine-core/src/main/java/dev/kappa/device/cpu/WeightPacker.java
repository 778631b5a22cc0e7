package dev.kappa.device.cpu;

import dev.kappa.device.Encoding;
import dev.kappa.device.MatrixSource;
import dev.kappa.device.MatrixSource.Part;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Brings row-major matrices into panels. */
final class WeightPacker {

  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private static final long FLOAT_COLUMN = 4L * TileKernel.PANEL;
  private static final long HALF_COLUMN = 2L * TileKernel.PANEL;

  /** Columns at a time, whose lines stay in the L1 cache while row after row is put into them. */
  private static final int BLOCK = 128;

  private final MatrixSource source;
  private final List<Part> parts;
  private final PackedWeight target;

  WeightPacker(MatrixSource source, PackedWeight target) {
    this.source = source;
    parts = source.parts();
    this.target = target;
  }

  /** Panels of all matrices. */
  int panels() {
    return source.matrices() * target.matrix(0).panels();
  }

  /** Packs one panel; panels are independent. */
  void pack(int index) {
    int perMatrix = target.matrix(0).panels();
    PackedMatrix matrix = target.matrix(index / perMatrix);
    pack(matrix, index % perMatrix, index / perMatrix * source.rows());
  }

  private void pack(PackedMatrix target, int panel, int firstRow) {
    long to = target.address(panel);
    int present = target.width(panel);
    if (present < TileKernel.PANEL) {
      Raw.zero(to, target.panelBytes(panel));
    }
    MemorySegment[] rows = new MemorySegment[present];
    for (int i = 0; i < present; i++) {
      rows[i] = row(firstRow + target.firstRow(panel) + i);
    }
    Encoding encoding = target.encoding(panel);
    if (encoding.isPlain()) {
      packElements(encoding, rows, target.columns(), to);
    } else {
      for (int output = 0; output < present; output++) {
        packBlocks(encoding, rows[output], output, to);
      }
    }
  }

  private static void packElements(Encoding encoding, MemorySegment[] rows, int columns, long to) {
    for (int k = 0; k < columns; k += BLOCK) {
      int end = Math.min(k + BLOCK, columns);
      for (int i = 0; i < rows.length; i++) {
        long at = to + (long) PackedMatrix.slot(encoding, i) * encoding.blockBytes();
        if (encoding == Encoding.F32) {
          packFloats(rows[i], k, end, at);
        } else if (rows.length < TileKernel.PANEL) {
          packHalves(rows[i], k, end, at);
        } else if (i < TileKernel.PANEL / 2) {
          packPairs(rows[i], rows[i + TileKernel.PANEL / 2], k, end, at);
        }
      }
    }
  }

  /** Puts one output's blocks into a panel. */
  private static void packBlocks(Encoding encoding, MemorySegment row, int output, long to) {
    long blocks = row.byteSize() / encoding.blockBytes();
    for (long block = 0; block < blocks; block++) {
      long from = block * encoding.blockBytes();
      long at = to + from * TileKernel.PANEL;
      switch (encoding) {
        case Q8_0 -> SignedPanel.packQ8(row, from, output, at);
        case Q4_0 -> SignedPanel.packQ4(row, from, output, at);
        case Q4_K -> Q4KPanel.pack(row, from, output, at);
        case Q6_K -> Q6KPanel.pack(row, from, output, at);
        case F32, BF16, F16 -> throw new IllegalArgumentException(encoding + " has no blocks");
      }
    }
  }

  private static void packFloats(MemorySegment from, int start, int end, long to) {
    for (int k = start; k < end; k++) {
      Raw.putInt(to + k * FLOAT_COLUMN, from.get(INT, 4L * k));
    }
  }

  private static void packPairs(
      MemorySegment low, MemorySegment high, int start, int end, long to) {
    for (int k = start; k < end; k++) {
      int pair = (low.get(SHORT, 2L * k) & 0xffff) | (high.get(SHORT, 2L * k) << 16);
      Raw.putInt(to + k * HALF_COLUMN, pair);
    }
  }

  private static void packHalves(MemorySegment from, int start, int end, long to) {
    for (int k = start; k < end; k++) {
      Raw.putShort(to + k * HALF_COLUMN, from.get(SHORT, 2L * k));
    }
  }

  private MemorySegment row(int row) {
    int before = row;
    for (Part part : parts) {
      long rowBytes = part.encoding().bytes(source.columns());
      long rows = part.bytes().byteSize() / rowBytes;
      if (before < rows) {
        return part.bytes().asSlice(before * rowBytes, rowBytes);
      }
      before -= (int) rows;
    }
    throw new IndexOutOfBoundsException("row " + row + " of " + source.allRows());
  }
}
