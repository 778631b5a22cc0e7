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
    long kvBytesPerToken) {

  /** Tokens whose KV fits on the device. */
  public long kvCapacityTokens() {
    return (long) numBlocks * blockTokens;
  }
}
