package dev.kappa.device.cpu;

import dev.kappa.device.DType;
import dev.kappa.device.Weight;
import dev.kappa.device.host.Pages;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A weight matrix as panels {@code [rows / 32][columns][32]}: 32 outputs side by side, so that a
 * matrix product reads it in order, whether for one row or many. The last panel is filled up with
 * zeros. Within a panel's row, 16-bit types hold outputs i and i + 16 as the low and high half of
 * the i-th 32-bit word, which widens to two plain vectors.
 */
final class PackedWeight implements Weight {

  private final int rows;
  private final int columns;
  private final DType dtype;
  private final long bytes;
  private final Pages pages;
  private final AtomicLong counter;
  private volatile boolean closed;

  PackedWeight(int rows, int columns, DType dtype, AtomicLong counter) {
    this.rows = rows;
    this.columns = columns;
    this.dtype = dtype;
    this.counter = counter;
    bytes = Math.multiplyExact((long) panels() * TileKernel.PANEL, (long) columns * dtype.bytes());
    pages = Pages.allocate(bytes);
    counter.addAndGet(bytes);
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  int panels() {
    return Math.ceilDiv(rows, TileKernel.PANEL);
  }

  /** Outputs of a panel that exist. */
  int width(int panel) {
    return Math.min(TileKernel.PANEL, rows - panel * TileKernel.PANEL);
  }

  /** Address of the first panel. */
  long address() {
    if (closed) {
      throw new IllegalStateException("weight [%d, %d] is closed".formatted(rows, columns));
    }
    return pages.address();
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

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      counter.addAndGet(-bytes);
      pages.close();
    }
  }
}
