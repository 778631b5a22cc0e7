package dev.kappa.device.cpu;

import dev.kappa.device.MatrixSource;
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

  /** Room for matrices of the source's shape. */
  PackedWeight(MatrixSource shape, AtomicLong counter) {
    this.counter = counter;
    matrices = new PackedMatrix[shape.matrices()];
    long matrixBytes = PackedMatrix.bytes(shape.columns(), shape.ranges());
    bytes = Math.multiplyExact(shape.matrices(), matrixBytes);
    pages = Pages.allocate(bytes);
    for (int m = 0; m < matrices.length; m++) {
      long address = pages.address() + m * matrixBytes;
      matrices[m] = new PackedMatrix(address, shape.columns(), shape.ranges());
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
