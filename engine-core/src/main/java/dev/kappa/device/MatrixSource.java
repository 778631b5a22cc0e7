package dev.kappa.device;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Supplier;

/**
 * A weight matrix on the host, or several of one shape, one after the other: the shape, and the
 * bytes for devices that look at them. They may be made only when {@link #parts} asks for them.
 *
 * @param dtype element type of every part
 * @param matrices how many there are
 * @param rows rows of each matrix
 * @param columns elements per row
 * @param contents see {@link #parts}
 */
public record MatrixSource(
    DType dtype, int matrices, int rows, int columns, Supplier<List<MemorySegment>> contents) {

  /** One matrix. */
  public MatrixSource(DType dtype, int rows, int columns, Supplier<List<MemorySegment>> contents) {
    this(dtype, 1, rows, columns, contents);
  }

  /** A matrix whose bytes are there. */
  public MatrixSource(DType dtype, int columns, List<MemorySegment> parts) {
    this(dtype, rows(dtype, columns, parts), columns, constant(parts));
  }

  /** Rows of all matrices together. */
  public int allRows() {
    return Math.multiplyExact(matrices, rows);
  }

  /**
   * The bytes: row-major little-endian parts of equal width, stacked; each holds whole rows.
   * Several parts become one matrix (query, key and value projections, or gate and up), so that one
   * matmul computes them all. To be called once, as every call may make them anew.
   *
   * @throws IllegalArgumentException if they are not what the shape says
   */
  public List<MemorySegment> parts() {
    List<MemorySegment> parts = List.copyOf(contents.get());
    int found = rows(dtype, columns, parts);
    if (found != allRows()) {
      throw new IllegalArgumentException(
          "%d rows of %d %s were announced, but there are %d"
              .formatted(allRows(), columns, dtype, found));
    }
    return parts;
  }

  private static Supplier<List<MemorySegment>> constant(List<MemorySegment> parts) {
    List<MemorySegment> copy = List.copyOf(parts);
    return () -> copy;
  }

  private static int rows(DType dtype, int columns, List<MemorySegment> parts) {
    long rowBytes = (long) columns * dtype.bytes();
    long rows = 0;
    for (MemorySegment part : parts) {
      if (part.byteSize() % rowBytes != 0) {
        throw new IllegalArgumentException(
            "a part of %d bytes is not made of rows of %d %s"
                .formatted(part.byteSize(), columns, dtype));
      }
      rows += part.byteSize() / rowBytes;
    }
    return Math.toIntExact(rows);
  }
}
