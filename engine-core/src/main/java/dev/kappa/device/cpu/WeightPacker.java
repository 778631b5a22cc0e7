package dev.kappa.device.cpu;

import dev.kappa.device.DType;
import dev.kappa.device.MatrixSource;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Brings a row-major matrix into panels. */
final class WeightPacker {

  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private final MatrixSource source;
  private final PackedWeight target;

  WeightPacker(MatrixSource source, PackedWeight target) {
    this.source = source;
    this.target = target;
  }

  /** Packs one panel; panels are independent. */
  void pack(int panel) {
    long to = target.address() + panel * target.panelBytes();
    int first = panel * TileKernel.PANEL;
    int present = Math.min(TileKernel.PANEL, target.rows() - first);
    if (present < TileKernel.PANEL) {
      Raw.zero(to, target.panelBytes());
    }
    if (source.dtype() == DType.F32) {
      for (int i = 0; i < present; i++) {
        packFloats(first + i, to + (long) i * Float.BYTES);
      }
    } else if (present == TileKernel.PANEL) {
      for (int i = 0; i < TileKernel.PANEL / 2; i++) {
        packPairs(first + i, first + i + TileKernel.PANEL / 2, to + (long) i * Integer.BYTES);
      }
    } else {
      for (int i = 0; i < present; i++) {
        packHalves(first + i, to + 2L * PackedWeight.slot(source.dtype(), i));
      }
    }
  }

  private void packFloats(int row, long to) {
    MemorySegment from = row(row);
    for (int k = 0; k < target.columns(); k++) {
      Raw.putInt(to + k * target.columnBytes(), from.get(INT, 4L * k));
    }
  }

  private void packPairs(int low, int high, long to) {
    MemorySegment lows = row(low);
    MemorySegment highs = row(high);
    for (int k = 0; k < target.columns(); k++) {
      int pair = (lows.get(SHORT, 2L * k) & 0xffff) | (highs.get(SHORT, 2L * k) << 16);
      Raw.putInt(to + k * target.columnBytes(), pair);
    }
  }

  private void packHalves(int row, long to) {
    MemorySegment from = row(row);
    for (int k = 0; k < target.columns(); k++) {
      Raw.putShort(to + k * target.columnBytes(), from.get(SHORT, 2L * k));
    }
  }

  private MemorySegment row(int row) {
    long rowBytes = (long) source.columns() * source.dtype().bytes();
    long offset = row * rowBytes;
    for (MemorySegment part : source.parts()) {
      if (offset < part.byteSize()) {
        return part.asSlice(offset, rowBytes);
      }
      offset -= part.byteSize();
    }
    throw new IndexOutOfBoundsException("row " + row + " of " + source.rows());
  }
}
