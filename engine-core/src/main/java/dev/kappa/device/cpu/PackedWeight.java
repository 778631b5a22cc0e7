package dev.kappa.device.cpu;

import dev.kappa.device.DType;
import dev.kappa.device.Weight;
import dev.kappa.device.host.Pages;
import java.util.concurrent.atomic.AtomicLong;

/** Weight matrices as panels, one matrix after the other; see {@link PackedMatrix}. */
final class PackedWeight implements Weight {

  private final PackedMatrix[] matrices;
  private final long bytes;
  private final Pages pages;
  private final AtomicLong counter;
  private volatile boolean closed;

  PackedWeight(int count, int rows, int columns, DType dtype, AtomicLong counter) {
    this.counter = counter;
    matrices = new PackedMatrix[count];
    PackedMatrix shape = new PackedMatrix(0, rows, columns, dtype);
    long matrixBytes = Math.multiplyExact(shape.panels(), shape.panelBytes());
    bytes = Math.multiplyExact(count, matrixBytes);
    pages = Pages.allocate(bytes);
    for (int m = 0; m < count; m++) {
      matrices[m] = new PackedMatrix(pages.address() + m * matrixBytes, rows, columns, dtype);
    }
    counter.addAndGet(bytes);
  }

  @Override
  public int matrices() {
    return matrices.length;
  }

  @Override
  public int rows() {
    return matrices[0].rows();
  }

  @Override
  public int columns() {
    return matrices[0].columns();
  }

  @Override
  public DType dtype() {
    return matrices[0].dtype();
  }

  @Override
  public long bytes() {
    return bytes;
  }

  /** The only matrix. */
  PackedMatrix matrix() {
    if (matrices.length != 1) {
      throw new IllegalArgumentException(matrices.length + " matrices where one is expected");
    }
    return matrix(0);
  }

  PackedMatrix matrix(int index) {
    if (closed) {
      throw new IllegalStateException("weight [%d, %d] is closed".formatted(rows(), columns()));
    }
    return matrices[index];
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
