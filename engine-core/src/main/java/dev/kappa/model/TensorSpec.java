package dev.kappa.model;

import java.util.List;

/**
 * A tensor that a model needs.
 *
 * @param role what it does
 * @param layer its layer; -1 for those outside the layers
 * @param name its name in the checkpoint
 * @param shape {@code [outputs, inputs]} of a matrix, {@code [elements]} of a vector
 */
public record TensorSpec(TensorRole role, int layer, String name, List<Long> shape) {

  public TensorSpec {
    shape = List.copyOf(shape);
  }

  /** Number of elements. */
  public long elements() {
    return shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
  }
}
