package dev.kappa.device;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * A weight matrix on the host, or several of one shape, one after the other: the shape, and the
 * bytes for devices that look at them. They may be made only when {@link #parts} asks for them.
 *
 * @param matrices how many there are
 * @param columns elements per row
 * @param ranges rows of each matrix from the first on, by their encoding
 * @param contents see {@link #parts}
 */
public record MatrixSource(
    int matrices, int columns, List<Range> ranges, Supplier<List<Part>> contents) {

  /** Consecutive rows of one encoding. */
  public record Range(Encoding encoding, int rows) {}

  /** The bytes of whole rows of one encoding, row-major, numbers in little-endian order. */
  public record Part(Encoding encoding, MemorySegment bytes) {}

  /**
   * @throws IllegalArgumentException if rows are not whole blocks of their encoding
   */
  public MatrixSource {
    ranges = List.copyOf(ranges);
    for (Range range : ranges) {
      var _ = range.encoding.bytes(columns);
    }
  }

  /** Matrices of one type. */
  public MatrixSource(
      DType dtype, int matrices, int rows, int columns, Supplier<List<MemorySegment>> contents) {
    this(
        matrices,
        columns,
        List.of(new Range(Encoding.of(dtype), rows)),
        () -> parts(dtype, contents.get()));
  }

  /** One matrix of one type. */
  public MatrixSource(DType dtype, int rows, int columns, Supplier<List<MemorySegment>> contents) {
    this(dtype, 1, rows, columns, contents);
  }

  /** A matrix whose bytes are there. */
  public MatrixSource(DType dtype, int columns, List<MemorySegment> parts) {
    this(dtype, rows(dtype, columns, parts), columns, constant(parts));
  }

  /** Rows of each matrix. */
  public int rows() {
    return ranges.stream().mapToInt(Range::rows).reduce(0, Math::addExact);
  }

  /** Rows of all matrices together. */
  public int allRows() {
    return Math.multiplyExact(matrices, rows());
  }

  /** Bytes of all matrices together. */
  public long bytes() {
    long bytes = 0;
    for (Range range : ranges) {
      bytes += Math.multiplyExact(range.encoding.bytes(columns), range.rows);
    }
    return Math.multiplyExact(matrices, bytes);
  }

  /**
   * The bytes, stacked in the order of rows. Several parts become one matrix (query, key and value
   * projections, or gate and up), so that one matmul computes them all. To be called once, as every
   * call may make them anew.
   *
   * @throws IllegalArgumentException if they are not what the shape says
   */
  public List<Part> parts() {
    List<Part> parts = List.copyOf(contents.get());
    List<Range> found = new ArrayList<>();
    parts.forEach(part -> append(found, part.encoding, rows(part, columns)));
    List<Range> announced = new ArrayList<>();
    for (int matrix = 0; matrix < matrices; matrix++) {
      ranges.forEach(range -> append(announced, range.encoding, range.rows));
    }
    if (!found.equals(announced)) {
      throw new IllegalArgumentException(
          "%d rows of %d were announced as %s, but there are %s"
              .formatted(allRows(), columns, announced, found));
    }
    return parts;
  }

  /** Adds rows to the last range if that has their encoding, or else behind it. */
  private static void append(List<Range> ranges, Encoding encoding, int rows) {
    if (!ranges.isEmpty() && ranges.getLast().encoding == encoding) {
      rows = Math.addExact(rows, ranges.removeLast().rows);
    }
    if (rows > 0) {
      ranges.add(new Range(encoding, rows));
    }
  }

  private static Supplier<List<MemorySegment>> constant(List<MemorySegment> parts) {
    List<MemorySegment> copy = List.copyOf(parts);
    return () -> copy;
  }

  private static List<Part> parts(DType dtype, List<MemorySegment> segments) {
    return segments.stream().map(bytes -> new Part(Encoding.of(dtype), bytes)).toList();
  }

  private static int rows(DType dtype, int columns, List<MemorySegment> parts) {
    return parts(dtype, parts).stream()
        .mapToInt(part -> rows(part, columns))
        .reduce(0, Math::addExact);
  }

  private static int rows(Part part, int columns) {
    long rowBytes = part.encoding.bytes(columns);
    if (part.bytes.byteSize() % rowBytes != 0) {
      throw new IllegalArgumentException(
          "a part of %d bytes is not made of rows of %d %s"
              .formatted(part.bytes.byteSize(), columns, part.encoding));
    }
    return Math.toIntExact(part.bytes.byteSize() / rowBytes);
  }
}
