package dev.kappa.model;

import dev.kappa.device.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;

/** The named tensors of a model. Thread-safe; segments are valid until it is closed. */
public interface Checkpoint extends AutoCloseable {

  /** All tensor names. */
  Set<String> names();

  /**
   * A tensor.
   *
   * @throws ModelException if it is not there, saying where it was looked for
   */
  Tensor tensor(String name);

  /** 256 bits, in hexadecimal, that change when any weight does. Part of every KV block's key. */
  String fingerprint();

  @Override
  void close();

  /**
   * One tensor.
   *
   * @param data row-major little-endian elements
   */
  record Tensor(String name, DType dtype, List<Long> shape, MemorySegment data) {}
}
