package dev.kappa.model;

import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Experts;
import dev.kappa.device.RopeStore;
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
 * @param release frees everything above
 */
public record TransformerWeights(
    Weight embedding, List<Layer> layers, DeviceMemory finalNorm, Weight head, Runnable release)
    implements AutoCloseable {

  /**
   * One layer.
   *
   * @param inputNorm {@code float[hidden]}
   * @param qkv query, key and value projections, stacked: {@code [qkvColumns, hidden]}
   * @param rope their bias, the norms of heads, and the rotation of every position
   * @param attentionOut {@code [hidden, heads · headDim]}
   * @param postAttentionNorm {@code float[hidden]}, of what attention gives; null for none
   * @param feedForwardNorm {@code float[hidden]}
   * @param feedForward what comes then
   * @param postFeedForwardNorm {@code float[hidden]}, of what that gives; null for none
   */
  public record Layer(
      DeviceMemory inputNorm,
      Weight qkv,
      RopeStore rope,
      Weight attentionOut,
      @Nullable DeviceMemory postAttentionNorm,
      DeviceMemory feedForwardNorm,
      FeedForward feedForward,
      @Nullable DeviceMemory postFeedForwardNorm) {}

  /** The feed-forward part of a layer. */
  public sealed interface FeedForward {}

  /**
   * One for all tokens.
   *
   * @param gateUp gate and up projections, stacked: {@code [2 · intermediate, hidden]}
   * @param down {@code [hidden, intermediate]}
   */
  public record Dense(Weight gateUp, Weight down) implements FeedForward {}

  /**
   * A mixture of experts.
   *
   * @param router {@code [experts, hidden]}
   */
  public record Sparse(Weight router, Experts experts) implements FeedForward {}

  @Override
  public void close() {
    release.run();
  }
}
