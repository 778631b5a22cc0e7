package dev.kappa.gguf;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Map;

/**
 * A memory-mapped GGUF file of version 2 or 3
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): metadata and a table of tensors,
 * both checked, then the tensors' bytes. Immutable, thread-safe, valid as long as the arena it was
 * mapped in. A file that another process cuts short while it is mapped ends in an {@link
 * InternalError}.
 */
public final class GgufFile {

  private static final int MAGIC = 0x46554747;
  private static final String ENDING = ".gguf";
  private static final String ALIGNMENT = "general.alignment";
  private static final int DEFAULT_ALIGNMENT = 32;
  private static final int MAX_ALIGNMENT = 1 << 20;

  private final MemorySegment file;
  private final GgufMetadata metadata;
  private final Map<String, GgufTensor> tensors;

  private GgufFile(MemorySegment file, GgufMetadata metadata, Map<String, GgufTensor> tensors) {
    this.file = file;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  /** Whether a path is a file that is named as GGUF files are. */
  public static boolean isNamedSo(Path path) {
    Path name = path.getFileName();
    return name != null
        && name.toString().toLowerCase(Locale.ROOT).endsWith(ENDING)
        && Files.isRegularFile(path);
  }

  /** A file's name without its ending. */
  public static String name(Path path) {
    Path name = path.toAbsolutePath().getFileName();
    String text = name == null ? path.toString() : name.toString();
    return text.substring(0, text.length() - ENDING.length());
  }

  /**
   * Maps a file and checks its header; tensors' bytes are not read.
   *
   * @throws GgufException if it cannot be read or is not a valid file
   */
  public static GgufFile map(Path path, Arena arena) {
    MemorySegment file;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new GgufException("%s: cannot be mapped: %s".formatted(path, e), e);
    }
    return parse(new GgufCursor(path.toString(), file, 0));
  }

  private static GgufFile parse(GgufCursor cursor) {
    checkVersion(cursor);
    int tensorCount = TensorTable.readCount(cursor);
    int keyCount = GgufMetadata.readCount(cursor);
    GgufMetadata metadata = GgufMetadata.read(cursor, keyCount);
    refuseSplit(metadata);
    int alignment = metadata.integer(ALIGNMENT, 1, MAX_ALIGNMENT, DEFAULT_ALIGNMENT);
    if (Integer.bitCount(alignment) != 1) {
      throw metadata.wrong(ALIGNMENT, "a power of two");
    }
    return new GgufFile(cursor.file(), metadata, TensorTable.read(cursor, tensorCount, alignment));
  }

  private static void checkVersion(GgufCursor cursor) {
    int magic = cursor.readInt("magic");
    if (magic != MAGIC) {
      throw cursor.wrong(
          "begins with bytes %08x; expected \"GGUF\"".formatted(Integer.reverseBytes(magic)));
    }
    int version = cursor.readInt("version");
    if ((version & 0xffff) == 0 && version != 0) {
      throw cursor.wrong("is big-endian; expected a little-endian file");
    }
    if (version != 2 && version != 3) {
      throw cursor.wrong(
          "version %s; expected 2 or 3".formatted(Integer.toUnsignedString(version)));
    }
  }

  private static void refuseSplit(GgufMetadata metadata) {
    String key = "split.count";
    if (metadata.integer(key, 0, 1 << 16, 1) > 1) {
      throw metadata.wrong(
          key, "one whole file; llama.cpp's `llama-gguf-split --merge` makes one of all parts");
    }
  }

  public GgufMetadata metadata() {
    return metadata;
  }

  /** All tensors, by name, in the order of the file. */
  public Map<String, GgufTensor> tensors() {
    return tensors;
  }

  /** A tensor's bytes: row-major, numbers in little-endian order. */
  public MemorySegment bytes(GgufTensor tensor) {
    return file.asSlice(tensor.begin(), tensor.end() - tensor.begin());
  }

  /**
   * The numbers of a tensor of 32-bit floats.
   *
   * @throws GgufException if they are of another type
   */
  public float[] floats(GgufTensor tensor) {
    if (tensor.type() != GgmlType.F32) {
      throw new GgufException(
          "%s: tensor %s is of type %s; expected F32"
              .formatted(metadata.source(), tensor.name(), tensor.type()));
    }
    return bytes(tensor).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
  }
}
