package dev.kappa.device;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Host bytes of a weight matrix: row-major little-endian parts of equal width, stacked. Several
 * parts become one matrix (query, key and value projections, or gate and up), so that one matmul
 * computes them all.
 *
 * @param dtype element type of every part
 * @param columns elements per row
 * @param parts row blocks in order; each holds whole rows
 */
public record MatrixSource(DType dtype, int columns, List<MemorySegment> parts) {

  public MatrixSource {
    parts = List.copyOf(parts);
    for (MemorySegment part : parts) {
      if (part.byteSize() % ((long) columns * dtype.bytes()) != 0) {
        throw new IllegalArgumentException(
            "a part of %d bytes is not made of rows of %d %s"
                .formatted(part.byteSize(), columns, dtype));
      }
    }
  }

  /** Rows of all parts together. */
  public int rows() {
    long bytes = parts.stream().mapToLong(MemorySegment::byteSize).sum();
    return Math.toIntExact(bytes / ((long) columns * dtype.bytes()));
  }
}
