package dev.kappa.device.virtual;

import dev.kappa.device.MatrixSource;
import dev.kappa.device.Weight;

/** The shape of weight matrices. */
final class VirtualWeight implements Weight {

  private final MemoryBooks books;
  private final int matrices;
  private final int rows;
  private final int columns;
  private final long bytes;
  private boolean closed;

  VirtualWeight(MemoryBooks books, MatrixSource source) {
    this.books = books;
    matrices = source.matrices();
    rows = source.rows();
    columns = source.columns();
    bytes = source.bytes();
    books.take(bytes);
  }

  /** The virtual weight behind the seam's type. */
  static VirtualWeight of(Weight weight) {
    if (!(weight instanceof VirtualWeight own)) {
      throw new IllegalArgumentException("not a weight of a virtual device: " + weight);
    }
    if (own.closed) {
      throw new IllegalStateException(
          "the weight of %d x %d is closed".formatted(own.rows, own.columns));
    }
    return own;
  }

  /** This, if it is one matrix. */
  VirtualWeight only() {
    if (matrices != 1) {
      throw new IllegalArgumentException(matrices + " matrices where one is expected");
    }
    return this;
  }

  @Override
  public int matrices() {
    return matrices;
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  /** Bytes of a row, on average. */
  double rowBytes() {
    return (double) bytes / matrices / rows;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      books.giveBack(bytes);
    }
  }
}
