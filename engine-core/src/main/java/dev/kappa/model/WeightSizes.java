package dev.kappa.model;

import dev.kappa.device.Encoding;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * How many elements a model's weights have.
 *
 * @param elements by how the checkpoint stores them, in whole blocks
 */
public record WeightSizes(Map<Encoding, Long> elements) {

  public WeightSizes {
    elements = Map.copyOf(elements);
  }

  /** Of a model whose checkpoint has one type. */
  public static WeightSizes of(ModelConfig config) {
    return new WeightSizes(Map.of(Encoding.of(config.dtype()), config.parameters()));
  }

  /** Bytes in the checkpoint. */
  public long bytes() {
    return bytes(UnaryOperator.identity());
  }

  /**
   * Bytes on a device.
   *
   * @param kept how it keeps what the checkpoint stores in a certain way
   */
  public long bytes(UnaryOperator<Encoding> kept) {
    return elements.entrySet().stream()
        .mapToLong(entry -> kept.apply(entry.getKey()).bytes(entry.getValue()))
        .reduce(0, Math::addExact);
  }
}
