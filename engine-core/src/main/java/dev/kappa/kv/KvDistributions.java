package dev.kappa.kv;

import dev.kappa.device.Clock;
import dev.kappa.kv.transfer.Lane;
import dev.kappa.stats.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * How what the KV cache does is distributed. Filled by the engine thread, for any thread to read.
 *
 * @param loadBytes bytes of whole transfers from host memory; reading in place is none
 * @param storeBytes bytes of whole transfers to host memory
 * @param lookupSeconds how long it takes to look the prefix of a sequence up that is to start, on
 *     the device and in host memory, keys included; only where there is host memory
 * @param device lives of the device's blocks
 * @param host lives of blocks in host memory
 */
public record KvDistributions(
    Histogram loadBytes,
    Histogram storeBytes,
    Histogram lookupSeconds,
    BlockLives device,
    BlockLives host) {

  /** Those of vLLM. */
  private static final double[] LOOKUP_BOUNDS = {
    0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1
  };

  /** Begins to watch both pools. */
  static KvDistributions watch(Clock clock, BlockPool device, @Nullable HostSide host) {
    BlockLives onDevice = new BlockLives(clock);
    BlockLives inHost = new BlockLives(clock);
    device.watch(onDevice);
    if (host != null) {
      host.pool().watch(inHost);
    }
    return new KvDistributions(
        host == null ? Lane.newSizes() : host.loads().sizes(),
        host == null ? Lane.newSizes() : host.stores().sizes(),
        new Histogram(LOOKUP_BOUNDS),
        onDevice,
        inHost);
  }

  /** Empty ones, for whoever stands in for an engine. */
  public static KvDistributions empty() {
    return watch(() -> 0, new BlockPool(0), null);
  }
}
