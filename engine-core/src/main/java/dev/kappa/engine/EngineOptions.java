package dev.kappa.engine;

import dev.kappa.device.DType;
import org.jspecify.annotations.Nullable;

/**
 * How an engine runs. A value of 0 (or null) means: chosen by the engine.
 *
 * @param maxModelLength longest sequence in tokens, prompt and output together
 * @param blockTokens tokens in a KV block
 * @param numBlocks KV blocks on the device
 * @param maxSequences most sequences in one step
 * @param maxBatchedTokens most new tokens in one step
 * @param kvDType storage type of keys and values
 * @param dummyWeights whether seeded random weights take the place of the checkpoint
 * @param prefixCaching whether blocks of earlier requests are reused
 * @param seed seed of dummy weights and of requests that bring none
 */
public record EngineOptions(
    int maxModelLength,
    int blockTokens,
    int numBlocks,
    int maxSequences,
    int maxBatchedTokens,
    @Nullable DType kvDType,
    boolean dummyWeights,
    boolean prefixCaching,
    long seed) {

  public static EngineOptions defaults() {
    return new EngineOptions(0, 0, 0, 0, 0, null, false, true, 0);
  }
}
