package dev.kappa.engine;

import dev.kappa.kv.KvDistributions;
import dev.kappa.stats.Histogram;

/**
 * How what an engine does is distributed, since the start. Filled by the engine thread, for any
 * thread to read.
 *
 * @param stepTokens new tokens of each forward pass
 * @param kv what the KV cache does
 */
public record Distributions(Histogram stepTokens, KvDistributions kv) {

  /** Those of vLLM. */
  private static final double[] TOKEN_BOUNDS = {
    1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384
  };

  static Distributions of(KvDistributions kv) {
    return new Distributions(new Histogram(TOKEN_BOUNDS), kv);
  }

  /** Empty ones, for whoever stands in for an engine. */
  public static Distributions empty() {
    return of(KvDistributions.empty());
  }
}
