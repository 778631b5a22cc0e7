package dev.kappa.roofline;

/**
 * How fast a machine is, as <i>achieved</i> by the software on it rather than as rated. A rate may
 * be infinite, for something that costs nothing.
 *
 * @param name for people
 * @param flopsPerSecond C, arithmetic of matrix products
 * @param attentionFlopsPerSecond arithmetic of attention, which reaches less than that
 * @param hostToDeviceBytesPerSecond rate of large copies to the device
 * @param deviceToHostBytesPerSecond rate of large copies from the device
 * @param deviceMemoryBytesPerSecond rate at which kernels read and write device memory
 * @param attentionBytesPerSecond rate at which attention reads KV, if it has little else to do; on
 *     a processor less than that
 * @param kernelLaunchNanos what a kernel takes however little it does
 * @param copyLatencyNanos what a copy takes however small it is
 */
public record HardwareProfile(
    String name,
    double flopsPerSecond,
    double attentionFlopsPerSecond,
    double hostToDeviceBytesPerSecond,
    double deviceToHostBytesPerSecond,
    double deviceMemoryBytesPerSecond,
    double attentionBytesPerSecond,
    long kernelLaunchNanos,
    long copyLatencyNanos) {

  private static final double NANOS = 1e9;

  public HardwareProfile {
    // Negated, so that NaN is refused too.
    if (!(flopsPerSecond > 0
        && attentionFlopsPerSecond > 0
        && hostToDeviceBytesPerSecond > 0
        && deviceToHostBytesPerSecond > 0
        && deviceMemoryBytesPerSecond > 0
        && attentionBytesPerSecond > 0)) {
      throw new IllegalArgumentException("the rates of " + name + " must be positive");
    }
    if (kernelLaunchNanos < 0 || copyLatencyNanos < 0) {
      throw new IllegalArgumentException("the latencies of " + name + " must not be negative");
    }
  }

  /** A machine whose attention reaches what other kernels reach. */
  public HardwareProfile(
      String name,
      double flopsPerSecond,
      double hostToDeviceBytesPerSecond,
      double deviceToHostBytesPerSecond,
      double deviceMemoryBytesPerSecond,
      long kernelLaunchNanos,
      long copyLatencyNanos) {
    this(
        name,
        flopsPerSecond,
        flopsPerSecond,
        hostToDeviceBytesPerSecond,
        deviceToHostBytesPerSecond,
        deviceMemoryBytesPerSecond,
        deviceMemoryBytesPerSecond,
        kernelLaunchNanos,
        copyLatencyNanos);
  }

  /**
   * The roofline of a kernel (Williams, Waterman and Patterson, CACM 52(4), 2009): it takes as long
   * as its arithmetic or its memory traffic, whichever is longer, and its launch.
   *
   * @param flops multiplications and additions
   * @param bytes read from and written to device memory
   */
  public double kernelNanos(double flops, double bytes) {
    return longer(flops / flopsPerSecond, bytes / deviceMemoryBytesPerSecond);
  }

  /** The same for attention. */
  public double attentionNanos(double flops, double bytes) {
    return longer(flops / attentionFlopsPerSecond, bytes / attentionBytesPerSecond);
  }

  private double longer(double arithmeticSeconds, double memorySeconds) {
    return kernelLaunchNanos + Math.max(arithmeticSeconds, memorySeconds) * NANOS;
  }

  /** A copy from host to device memory. */
  public double hostToDeviceNanos(long bytes) {
    return copyLatencyNanos + bytes / hostToDeviceBytesPerSecond * NANOS;
  }

  /** A copy from device to host memory. */
  public double deviceToHostNanos(long bytes) {
    return copyLatencyNanos + bytes / deviceToHostBytesPerSecond * NANOS;
  }

  /** A copy within device memory, which is read and written. */
  public double deviceToDeviceNanos(long bytes) {
    return copyLatencyNanos + 2.0 * bytes / deviceMemoryBytesPerSecond * NANOS;
  }
}
