package dev.kappa.device.cpu;

import dev.kappa.device.DType;
import dev.kappa.device.MatrixSource;
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
  private final List<MemorySegment> parts;
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
    long to = target.address() + panel * target.panelBytes();
    int present = target.width(panel);
    if (present < TileKernel.PANEL) {
      Raw.zero(to, target.panelBytes());
    }
    MemorySegment[] rows = new MemorySegment[present];
    for (int i = 0; i < present; i++) {
      rows[i] = row(firstRow + panel * TileKernel.PANEL + i);
    }
    for (int k = 0; k < target.columns(); k += BLOCK) {
      int end = Math.min(k + BLOCK, target.columns());
      for (int i = 0; i < present; i++) {
        long at = to + (long) PackedMatrix.slot(source.dtype(), i) * source.dtype().bytes();
        if (source.dtype() == DType.F32) {
          packFloats(rows[i], k, end, at);
        } else if (present < TileKernel.PANEL) {
          packHalves(rows[i], k, end, at);
        } else if (i < TileKernel.PANEL / 2) {
          packPairs(rows[i], rows[i + TileKernel.PANEL / 2], k, end, at);
        }
      }
    }
  }

  private void packFloats(MemorySegment from, int start, int end, long to) {
    for (int k = start; k < end; k++) {
      Raw.putInt(to + k * FLOAT_COLUMN, from.get(INT, 4L * k));
    }
  }

  private void packPairs(MemorySegment low, MemorySegment high, int start, int end, long to) {
    for (int k = start; k < end; k++) {
      int pair = (low.get(SHORT, 2L * k) & 0xffff) | (high.get(SHORT, 2L * k) << 16);
      Raw.putInt(to + k * HALF_COLUMN, pair);
    }
  }

  private void packHalves(MemorySegment from, int start, int end, long to) {
    for (int k = start; k < end; k++) {
      Raw.putShort(to + k * HALF_COLUMN, from.get(SHORT, 2L * k));
    }
  }

  private MemorySegment row(int row) {
    long rowBytes = (long) source.columns() * source.dtype().bytes();
    long offset = row * rowBytes;
    for (MemorySegment part : parts) {
      if (offset < part.byteSize()) {
        return part.asSlice(offset, rowBytes);
      }
      offset -= part.byteSize();
    }
    throw new IndexOutOfBoundsException("row " + row + " of " + source.allRows());
  }
}
