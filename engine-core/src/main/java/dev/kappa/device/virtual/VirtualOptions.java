package dev.kappa.device.virtual;

/**
 * What a {@link VirtualDevice} has besides its speed.
 *
 * @param deviceBytes device memory
 * @param hostBytes host memory
 * @param copyRowNanos what each row of a 2-D copy takes on top of its bytes
 * @param jitter how far, as a share of itself, an operation's duration may be off in either
 *     direction; 0 for none
 * @param argmaxToken the token that every argmax finds
 */
public record VirtualOptions(
    long deviceBytes, long hostBytes, double copyRowNanos, double jitter, int argmaxToken) {

  public VirtualOptions {
    if (deviceBytes < 0 || hostBytes < 0) {
      throw new IllegalArgumentException("a device with less than no memory");
    }
    if (!(copyRowNanos >= 0) || !(jitter >= 0 && jitter < 1) || argmaxToken < 0) {
      throw new IllegalArgumentException(
          "a row of %s ns, jitter %s, token %d".formatted(copyRowNanos, jitter, argmaxToken));
    }
  }

  /** 80 GiB on the device, 1 TiB on the host, exact durations, token 0. */
  public static VirtualOptions defaults() {
    return new VirtualOptions(80L << 30, 1L << 40, 0, 0, 0);
  }

  public VirtualOptions withDeviceBytes(long value) {
    return new VirtualOptions(value, hostBytes, copyRowNanos, jitter, argmaxToken);
  }

  public VirtualOptions withHostBytes(long value) {
    return new VirtualOptions(deviceBytes, value, copyRowNanos, jitter, argmaxToken);
  }

  public VirtualOptions withCopyRowNanos(double value) {
    return new VirtualOptions(deviceBytes, hostBytes, value, jitter, argmaxToken);
  }

  public VirtualOptions withJitter(double value) {
    return new VirtualOptions(deviceBytes, hostBytes, copyRowNanos, value, argmaxToken);
  }

  public VirtualOptions withArgmaxToken(int value) {
    return new VirtualOptions(deviceBytes, hostBytes, copyRowNanos, jitter, value);
  }
}
