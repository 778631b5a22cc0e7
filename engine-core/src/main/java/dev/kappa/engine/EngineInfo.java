package dev.kappa.engine;

import dev.kappa.device.DType;
import dev.kappa.device.DeviceInfo;
import dev.kappa.model.ModelConfig;

/**
 * What an engine runs with, after all defaults were chosen.
 *
 * @param numBlocks KV blocks on the device; {@code numBlocks · blockTokens} is its capacity in
 *     tokens
 * @param kvBytesPerToken KV bytes of one token over all layers
 * @param hostBytes most bytes of host memory for KV blocks; 0 for none
 */
public record EngineInfo(
    ModelConfig model,
    DeviceInfo device,
    int maxModelLength,
    int blockTokens,
    int numBlocks,
    int maxSequences,
    int maxBatchedTokens,
    DType kvDType,
    long kvBytesPerToken,
    long hostBytes) {

  /** Tokens whose KV fits on the device. */
  public long kvCapacityTokens() {
    return (long) numBlocks * blockTokens;
  }

  /** Tokens whose KV fits into host memory. */
  public long hostCapacityTokens() {
    return hostBytes / (kvBytesPerToken * blockTokens) * blockTokens;
  }
}
