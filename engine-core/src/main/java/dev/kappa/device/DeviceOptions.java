package dev.kappa.device;

/**
 * How to open a device.
 *
 * @param ordinal which of several devices of a kind
 * @param threads worker threads of a CPU device; 0 takes one per available processor
 * @param linkBandwidth bytes per second and direction at which a CPU device copies between host and
 *     device memory, to imitate a link; 0 copies as fast as it can
 */
public record DeviceOptions(int ordinal, int threads, long linkBandwidth) {

  public static DeviceOptions defaults() {
    return new DeviceOptions(0, 0, 0);
  }
}
