package dev.kappa.device;

/**
 * How to open a device.
 *
 * @param ordinal which of several devices of a kind
 * @param threads worker threads of a CPU device; 0 takes one per available processor
 */
public record DeviceOptions(int ordinal, int threads) {

  public static DeviceOptions defaults() {
    return new DeviceOptions(0, 0);
  }
}
