package dev.kappa.model;

import dev.kappa.device.Encoding;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/** The named tensors of a model. Thread-safe. */
public interface Checkpoint extends AutoCloseable {

  /** All tensor names, those that no supported model uses included. */
  Set<String> names();

  /**
   * A tensor. Its data are valid while both the arena and this checkpoint are open: a mapped tensor
   * belongs to the checkpoint, one that has to be made or moved is allocated in the arena. Open an
   * arena per tensor (or per fused matrix), upload, close it, and no more than that is ever held.
   *
   * @throws ModelException if it is not there or its element type is not supported, saying where it
   *     was looked for
   */
  Tensor tensor(String name, Arena arena);

  /**
   * A tensor as the model needs it.
   *
   * @throws ModelException also if it has another shape
   */
  default Tensor tensor(TensorSpec spec, Arena arena) {
    Tensor tensor = tensor(spec.name(), arena);
    if (!tensor.shape().equals(spec.shape())) {
      throw new ModelException(
          "%s: tensor %s has shape %s, but the model's configuration makes it %s"
              .formatted(tensor.source(), tensor.name(), tensor.shape(), spec.shape()));
    }
    return tensor;
  }

  /**
   * 256 bits, in hexadecimal, that change when any weight or the config does. Part of every KV
   * block's key. The first call may read every byte of the model; later ones return at once.
   */
  String fingerprint();

  /** Releases mapped files; tensors must not be used any more. */
  @Override
  void close();

  /**
   * One tensor. Its data may be made only when asked for.
   *
   * @param name as the file has it, for messages
   * @param source file that it came from, for messages
   * @param contents see {@link #data}
   */
  record Tensor(
      String name,
      Encoding encoding,
      List<Long> shape,
      String source,
      Supplier<MemorySegment> contents) {

    /**
     * Row-major little-endian elements; those of a {@link dev.kappa.device.DType} are aligned to
     * the size of one. To be called once, as every call may make them anew.
     */
    public MemorySegment data() {
      return contents.get();
    }

    /** Size of the data in bytes. */
    public long bytes() {
      return encoding.bytes(shape.stream().reduce(1L, Math::multiplyExact));
    }
  }
}
