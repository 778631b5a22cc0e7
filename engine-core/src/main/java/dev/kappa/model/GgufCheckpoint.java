package dev.kappa.model;

import dev.kappa.gguf.GgufTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The tensors of a memory-mapped GGUF file, under the names that their {@link Architecture} has for
 * them, stored as the file has them.
 */
public final class GgufCheckpoint implements Checkpoint {

  private final Arena arena;
  private final GgufModel model;
  private final Fingerprint fingerprint;

  private GgufCheckpoint(Arena arena, GgufModel model) {
    this.arena = arena;
    this.model = model;
    fingerprint = new Fingerprint(List.of(model.path()), new FileHashes(FileHashes.userCache()));
  }

  /**
   * Maps a file and checks its header; tensors are not read yet.
   *
   * @throws ModelException if it is not valid or describes a model that is not supported
   */
  @SuppressWarnings("MustBeClosedChecker") // The checkpoint owns the arena and closes it.
  public static GgufCheckpoint open(Path path) {
    Arena arena = Arena.ofShared();
    try {
      return new GgufCheckpoint(arena, GgufModel.map(path, arena));
    } catch (RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  @Override
  public Set<String> names() {
    return model.specs().keySet().stream()
        .filter(name -> model.tensor(name) != null)
        .collect(Collectors.toUnmodifiableSet());
  }

  @Override
  public Tensor tensor(String name, Arena arena) {
    GgufTensor tensor = model.tensor(name);
    if (tensor == null) {
      TensorSpec spec = model.specs().get(name);
      throw new ModelException(
          "%s: has no tensor %s"
              .formatted(model.path(), spec == null ? name : GgufModel.name(spec)));
    }
    int heads = model.interleavedHeads(name);
    return new Tensor(
        tensor.name(),
        GgufModel.encoding(model.path(), tensor),
        tensor.shape(),
        model.path().toString(),
        () -> {
          MemorySegment bytes = model.file().bytes(tensor);
          return heads == 0
              ? aligned(bytes, arena)
              : inHalves(bytes, heads, Math.toIntExact(tensor.shape().getFirst()), arena);
        });
  }

  /** The format aligns tensors to as little as a byte. */
  private static MemorySegment aligned(MemorySegment bytes, Arena arena) {
    return bytes.address() % Float.BYTES == 0
        ? bytes
        : arena.allocate(bytes.byteSize(), Float.BYTES).copyFrom(bytes).asReadOnly();
  }

  /** Brings the rows of each head's first half before those of its second. */
  private static MemorySegment inHalves(MemorySegment bytes, int heads, int rows, Arena arena) {
    long rowBytes = bytes.byteSize() / rows;
    int half = rows / heads / 2;
    MemorySegment halves = arena.allocate(bytes.byteSize(), Long.BYTES);
    for (int row = 0; row < rows; row++) {
      int inHead = row % (2 * half);
      long from = row - inHead + 2L * (inHead % half) + inHead / half;
      MemorySegment.copy(bytes, from * rowBytes, halves, row * rowBytes, rowBytes);
    }
    return halves.asReadOnly();
  }

  @Override
  public String fingerprint() {
    return fingerprint.value();
  }

  @Override
  public void close() {
    arena.close();
  }
}
