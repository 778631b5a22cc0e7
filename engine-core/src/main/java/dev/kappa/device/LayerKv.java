package dev.kappa.device;

/**
 * How a step reaches the keys and values of its sequences: directly, or past copies that are still
 * under way. The forward pass asks layer by layer and knows no more about it.
 */
public interface LayerKv {

  /** Where the keys and values of a layer are written, and read unless {@link #attend} differs. */
  KvLayer layer(int layer);

  /** Called before the step's first use of a layer's keys and values. */
  default void before(Stream stream, int layer) {}

  /**
   * Puts a part of the layer's attention on the stream, see {@link Kernels#attention}.
   *
   * @param part how many parts of it there are already
   * @return whether there are more
   */
  default boolean attend(
      Kernels kernels,
      Stream stream,
      int layer,
      int part,
      DeviceMemory qkv,
      Batch batch,
      AttentionShape shape,
      DeviceMemory out) {
    kernels.attention(stream, qkv, batch, shape, layer(layer), out);
    return false;
  }
}
