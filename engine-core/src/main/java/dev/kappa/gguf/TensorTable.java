package dev.kappa.gguf;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of a file. Each lies within it, aligned, and shares no byte with another; so a file
 * that was cut short is noticed here.
 */
final class TensorTable {

  private static final int MAX_TENSORS = 1 << 18;

  /** Length of a name, number of dimensions, one of them, type and offset. */
  private static final int LEAST_BYTES = 8 + 4 + 8 + 4 + 8;

  private static final int MAX_DIMENSIONS = 4;

  private final GgufCursor cursor;

  private TensorTable(GgufCursor cursor) {
    this.cursor = cursor;
  }

  /**
   * What the table says of a tensor.
   *
   * @param offset from the beginning of the data
   * @param bytes its size
   */
  private record Entry(String name, GgmlType type, List<Long> shape, long offset, long bytes) {}

  static int readCount(GgufCursor cursor) {
    return cursor.readCount("number of tensors", LEAST_BYTES, MAX_TENSORS);
  }

  static Map<String, GgufTensor> read(GgufCursor cursor, int count, int alignment) {
    return new TensorTable(cursor).read(count, alignment);
  }

  private Map<String, GgufTensor> read(int count, int alignment) {
    List<Entry> entries = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      entries.add(readEntry("tensor %d of %d".formatted(i + 1, count), alignment));
    }
    long data = Math.ceilDiv(cursor.at(), (long) alignment) * alignment;
    Map<String, GgufTensor> tensors = new LinkedHashMap<>();
    for (Entry entry : entries) {
      GgufTensor tensor = place(entry, data);
      if (tensors.put(entry.name, tensor) != null) {
        throw wrong(entry.name, "is there twice");
      }
    }
    checkApart(new ArrayList<>(tensors.values()));
    return Collections.unmodifiableMap(tensors);
  }

  private Entry readEntry(String what, int alignment) {
    String name = cursor.readString("name of " + what);
    int dimensions = cursor.readInt(name);
    if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
      throw wrong(
          name,
          "has %s dimensions; expected 1 to %d"
              .formatted(Integer.toUnsignedString(dimensions), MAX_DIMENSIONS));
    }
    List<Long> shape = new ArrayList<>();
    for (int i = 0; i < dimensions; i++) {
      long size = cursor.readLong(name);
      if (size < 1) {
        throw wrong(
            name,
            "has a dimension of %s; expected 1 or more".formatted(Long.toUnsignedString(size)));
      }
      shape.addFirst(size);
    }
    int number = cursor.readInt(name);
    @Nullable GgmlType type = GgmlType.of(number);
    if (type == null) {
      throw wrong(
          name,
          "is of type %s, which is not known; expected F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K"
              .formatted(Integer.toUnsignedString(number)));
    }
    long offset = cursor.readLong(name);
    if (offset < 0 || offset % alignment != 0) {
      throw wrong(
          name,
          "begins at data byte %s; expected a multiple of %d"
              .formatted(Long.toUnsignedString(offset), alignment));
    }
    return new Entry(name, type, shape, offset, bytes(name, type, shape));
  }

  private long bytes(String name, GgmlType type, List<Long> shape) {
    long width = shape.getLast();
    if (width % type.blockElements() != 0) {
      throw wrong(
          name,
          "is of type %s with rows of %d; expected a multiple of %d"
              .formatted(type, width, type.blockElements()));
    }
    try {
      long bytes = Math.multiplyExact(width / type.blockElements(), type.blockBytes());
      for (long size : shape.subList(0, shape.size() - 1)) {
        bytes = Math.multiplyExact(bytes, size);
      }
      return bytes;
    } catch (ArithmeticException _) {
      throw wrong(name, "has shape %s: more than 2^63 bytes".formatted(shape));
    }
  }

  private GgufTensor place(Entry entry, long data) {
    long size = cursor.file().byteSize();
    if (entry.offset > size - data || entry.bytes > size - data - entry.offset) {
      throw wrong(
          entry.name,
          "lies at data byte %d, %d bytes long, but there are %d bytes of data: cut short"
              .formatted(entry.offset, entry.bytes, Math.max(0, size - data)));
    }
    long begin = data + entry.offset;
    return new GgufTensor(entry.name, entry.type, entry.shape, begin, begin + entry.bytes);
  }

  private void checkApart(List<GgufTensor> tensors) {
    tensors.sort(Comparator.comparingLong(GgufTensor::begin));
    for (int i = 1; i < tensors.size(); i++) {
      GgufTensor before = tensors.get(i - 1);
      if (tensors.get(i).begin() < before.end()) {
        throw wrong(
            tensors.get(i).name(),
            "begins at byte %d, within %s, which ends at byte %d"
                .formatted(tensors.get(i).begin(), before.name(), before.end()));
      }
    }
  }

  private GgufException wrong(String tensor, String found) {
    return cursor.wrong("tensor %s %s".formatted(tensor, found));
  }
}
