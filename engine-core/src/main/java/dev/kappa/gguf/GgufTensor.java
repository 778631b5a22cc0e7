package dev.kappa.gguf;

import java.util.List;

/**
 * One tensor's place in a file.
 *
 * @param shape rows first, as in {@code [outputs, inputs]}; the file has it the other way round
 * @param begin its first byte in the file
 * @param end the byte after its last
 */
public record GgufTensor(String name, GgmlType type, List<Long> shape, long begin, long end) {

  public GgufTensor {
    shape = List.copyOf(shape);
  }
}
