package dev.kappa.model;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.DType;

/**
 * A decoder-only transformer, as its {@code config.json} describes it.
 *
 * @param architecture name of an {@link Architecture}, for example {@code LlamaForCausalLM}
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width of the feed-forward layer
 * @param layers transformer layers
 * @param heads query heads
 * @param kvHeads key and value heads
 * @param headDim elements per head
 * @param vocabularySize rows of the embedding
 * @param maxPositions longest context the model was made for
 * @param normEpsilon epsilon of the RMS norms
 * @param rope rotary position embedding
 * @param queryKeyNorm whether query and key heads are normed before rotation (Qwen3)
 * @param tiedEmbeddings whether the output projection is the embedding
 * @param dtype the checkpoint's own type
 */
public record ModelConfig(
    String architecture,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int vocabularySize,
    int maxPositions,
    float normEpsilon,
    RopeConfig rope,
    boolean queryKeyNorm,
    boolean tiedEmbeddings,
    DType dtype) {

  /** Head geometry of the attention layers. */
  public AttentionShape attention() {
    return new AttentionShape(heads, kvHeads, headDim, (float) (1 / Math.sqrt(headDim)));
  }

  /** Parameters in all weight matrices and vectors. */
  public long parameters() {
    long attention = (long) hiddenSize * headDim * (2L * heads + 2L * kvHeads);
    long feedForward = 3L * hiddenSize * intermediateSize;
    long norms = 2L * hiddenSize + (queryKeyNorm ? 2L * headDim : 0);
    long embeddings = (long) vocabularySize * hiddenSize * (tiedEmbeddings ? 1 : 2);
    return layers * (attention + feedForward + norms) + embeddings + hiddenSize;
  }
}
