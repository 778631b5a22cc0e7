package dev.kappa.model;

import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Weight;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model's weights on a device. Immutable; closing frees them all.
 *
 * @param embedding {@code [vocabulary, hidden]}
 * @param layers in order
 * @param finalNorm {@code float[hidden]}
 * @param head {@code [vocabulary, hidden]}; the embedding itself where the two are tied
 * @param ropeTable rotation of every position, see {@link dev.kappa.device.RopeStore}
 * @param release frees everything above
 */
public record TransformerWeights(
    Weight embedding,
    List<Layer> layers,
    DeviceMemory finalNorm,
    Weight head,
    DeviceMemory ropeTable,
    Runnable release)
    implements AutoCloseable {

  /**
   * One layer.
   *
   * @param inputNorm {@code float[hidden]}
   * @param qkv query, key and value projections, stacked: {@code [qkvColumns, hidden]}
   * @param queryNorm {@code float[headDim]}, null where the architecture norms no heads
   * @param keyNorm likewise
   * @param attentionOut {@code [hidden, heads · headDim]}
   * @param postAttentionNorm {@code float[hidden]}
   * @param gateUp gate and up projections, stacked: {@code [2 · intermediate, hidden]}
   * @param down {@code [hidden, intermediate]}
   */
  public record Layer(
      DeviceMemory inputNorm,
      Weight qkv,
      @Nullable DeviceMemory queryNorm,
      @Nullable DeviceMemory keyNorm,
      Weight attentionOut,
      DeviceMemory postAttentionNorm,
      Weight gateUp,
      Weight down) {}

  @Override
  public void close() {
    release.run();
  }
}
