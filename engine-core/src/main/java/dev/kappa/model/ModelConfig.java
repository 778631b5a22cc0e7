package dev.kappa.model;

import dev.kappa.device.Activation;
import dev.kappa.device.DType;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A decoder-only transformer, as its {@code config.json} describes it.
 *
 * @param architecture name of an {@link Architecture}, for example {@code LlamaForCausalLM}
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width of the feed-forward layer, where it is no mixture of experts
 * @param layers transformer layers
 * @param vocabularySize rows of the embedding
 * @param maxPositions longest context the model was made for
 * @param normEpsilon epsilon of the RMS norms
 * @param attention heads, windows and rotation
 * @param activation of the feed-forward part
 * @param experts the mixture of experts; null for a dense model
 * @param embeddingScale factor on embeddings
 * @param logitSoftcap bound of the logits {@code x}, which become {@code cap · tanh(x / cap)}; 0
 *     for none
 * @param tiedEmbeddings whether the output projection is the embedding
 * @param dtype the checkpoint's own type
 */
public record ModelConfig(
    String architecture,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int vocabularySize,
    int maxPositions,
    float normEpsilon,
    AttentionConfig attention,
    Activation activation,
    @Nullable Mixture experts,
    float embeddingScale,
    float logitSoftcap,
    boolean tiedEmbeddings,
    DType dtype) {

  /** A dense model with nothing but what Llama has. */
  public ModelConfig(
      String architecture,
      int hiddenSize,
      int intermediateSize,
      int layers,
      int vocabularySize,
      int maxPositions,
      float normEpsilon,
      AttentionConfig attention,
      boolean tiedEmbeddings,
      DType dtype) {
    this(
        architecture,
        hiddenSize,
        intermediateSize,
        layers,
        vocabularySize,
        maxPositions,
        normEpsilon,
        attention,
        Activation.SILU,
        null,
        1,
        0,
        tiedEmbeddings,
        dtype);
  }

  /** Query heads. */
  public int heads() {
    return attention.heads();
  }

  /** Key and value heads. */
  public int kvHeads() {
    return attention.kvHeads();
  }

  /** Elements per head. */
  public int headDim() {
    return attention.headDim();
  }

  /** Whether a layer has a mixture of experts. */
  public boolean isSparse(int layer) {
    return experts != null && !experts.denseLayers().contains(layer);
  }

  /**
   * The mixture of experts.
   *
   * @throws NullPointerException if it is a dense model
   */
  public Mixture mixture() {
    return Objects.requireNonNull(experts, "a dense model has no experts");
  }

  /**
   * Longest context that it can be run with: where rotation is scaled, perhaps longer than the
   * model was made for.
   */
  public int longestPositions() {
    return Math.max(maxPositions, attention.rope().longest(maxPositions));
  }

  /** Parameters in all weight matrices and vectors. */
  public long parameters() {
    return parameters(experts == null ? 0 : experts.experts());
  }

  /** Parameters that take part in one token's forward pass, both embeddings included. */
  public long activeParameters() {
    return parameters(experts == null ? 0 : experts.router().perToken());
  }

  /** Parameters with so many experts per layer. */
  private long parameters(int counted) {
    Architecture described = Architecture.of(this);
    long sum = 0;
    for (TensorRole role : TensorRole.values()) {
      if (described.isIn(this, role)) {
        long elements = role.shape(this).stream().reduce(1L, Math::multiplyExact);
        sum += elements * (role.perExpert() ? counted : 1) * count(role);
      }
    }
    return sum;
  }

  private int count(TensorRole role) {
    if (!role.perLayer()) {
      return 1;
    }
    int count = 0;
    for (int layer = 0; layer < layers; layer++) {
      count += role.isIn(layer, this) ? 1 : 0;
    }
    return count;
  }
}
