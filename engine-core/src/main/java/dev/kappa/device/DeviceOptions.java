package dev.kappa.device;

/**
 * How to open a device.
 *
 * @param ordinal which of several devices of a kind
 * @param threads worker threads of a CPU device; 0 takes one per available processor
 * @param linkBandwidth bytes per second and direction at which a CPU device copies between host and
 *     device memory, to imitate a link; 0 copies as fast as it can
 * @param deterministic whether a row's bits must not depend on what it is computed with, at the
 *     price of speed; on a CPU device they never do
 */
public record DeviceOptions(int ordinal, int threads, long linkBandwidth, boolean deterministic) {

  public DeviceOptions {
    if (threads < 0) {
      throw new DeviceException("the number of threads must be 0 or more, but is " + threads);
    }
  }

  public static DeviceOptions defaults() {
    return new DeviceOptions(0, 0, 0, false);
  }
}
