package dev.kappa.model;

import dev.kappa.device.DType;
import dev.kappa.device.Encoding;
import dev.kappa.model.SafetensorsHeader.Entry;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;

/**
 * One memory-mapped {@code *.safetensors} file: the header's length (8 bytes, little-endian), the
 * header, the tensors' bytes. Immutable, thread-safe, valid as long as the arena it was mapped in.
 * A file that another process cuts short while it is mapped ends in an {@link InternalError}.
 */
final class SafetensorsFile {

  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** The format's own limit. */
  private static final long MAX_HEADER = 100_000_000;

  private static final byte[] LFS_POINTER =
      "version https://git-lfs".getBytes(StandardCharsets.UTF_8);

  private final Path path;
  private final Map<String, Entry> entries;
  private final MemorySegment data;

  private SafetensorsFile(Path path, Map<String, Entry> entries, MemorySegment data) {
    this.path = path;
    this.entries = entries;
    this.data = data;
  }

  /**
   * Maps a file and checks its header.
   *
   * @throws ModelException if it cannot be read or is not a valid file
   */
  static SafetensorsFile map(Path path, Arena arena) {
    MemorySegment file;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new ModelException("%s: cannot be mapped: %s".formatted(path, e), e);
    }
    if (startsWith(file, LFS_POINTER)) {
      throw new ModelException(
          path + ": is a Git LFS pointer, not the weights; fetch them with `git lfs pull`");
    }
    long room = file.byteSize() - Long.BYTES;
    if (room < 0) {
      throw new ModelException(
          "%s: %d bytes; expected at least the 8 of the header's length"
              .formatted(path, file.byteSize()));
    }
    long length = file.get(LENGTH, 0);
    if (length < 0 || length > Math.min(room, MAX_HEADER)) {
      throw new ModelException(
          "%s: header length %s; expected at most %d (file of %d bytes)"
              .formatted(
                  path,
                  Long.toUnsignedString(length),
                  Math.min(room, MAX_HEADER),
                  file.byteSize()));
    }
    byte[] json = file.asSlice(Long.BYTES, length).toArray(ValueLayout.JAVA_BYTE);
    MemorySegment data = file.asSlice(Long.BYTES + length);
    return new SafetensorsFile(
        path, SafetensorsHeader.parse(json, data.byteSize(), path.toString()), data);
  }

  Path path() {
    return path;
  }

  Set<String> names() {
    return entries.keySet();
  }

  /**
   * A tensor of this file, which must have it.
   *
   * @param arena takes a copy if the file has the tensor at an address that its type cannot be read
   *     from
   */
  Checkpoint.Tensor tensor(String name, Arena arena) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new ModelException("%s: has no tensor %s".formatted(path, name));
    }
    DType dtype =
        switch (entry.dtype()) {
          case "F32" -> DType.F32;
          case "F16" -> DType.F16;
          case "BF16" -> DType.BF16;
          default ->
              throw new ModelException(
                  "%s: tensor %s is of type %s; expected F32, F16 or BF16"
                      .formatted(path, name, entry.dtype()));
        };
    MemorySegment bytes = data.asSlice(entry.begin(), entry.end() - entry.begin());
    return new Checkpoint.Tensor(
        name,
        Encoding.of(dtype),
        entry.shape(),
        path.toString(),
        () -> aligned(bytes, dtype, arena));
  }

  private static MemorySegment aligned(MemorySegment bytes, DType dtype, Arena arena) {
    return bytes.address() % dtype.bytes() == 0
        ? bytes
        : arena.allocate(bytes.byteSize(), dtype.bytes()).copyFrom(bytes).asReadOnly();
  }

  private static boolean startsWith(MemorySegment file, byte[] text) {
    return file.byteSize() >= text.length
        && file.asSlice(0, text.length).mismatch(MemorySegment.ofArray(text)) < 0;
  }
}
