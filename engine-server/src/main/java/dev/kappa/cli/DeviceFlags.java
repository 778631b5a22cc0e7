package dev.kappa.cli;

import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceOptions;
import dev.kappa.device.Devices;
import picocli.CommandLine.Option;

/** The flags that choose a device; a mixin. Not thread-safe. */
public final class DeviceFlags {

  @Option(
      names = "--device",
      paramLabel = "NAME",
      defaultValue = "auto",
      description = "auto, cpu, or another kind that doctor lists, as in cuda:1 (default: auto).")
  private String name = "auto";

  @Option(
      names = "--threads",
      paramLabel = "COUNT",
      defaultValue = "0",
      description = "Threads of a CPU device (default: 0, one per core).")
  private int threads;

  @Option(
      names = "--link-bandwidth",
      paramLabel = "RATE",
      converter = LinkRate.class,
      description =
          "Throttles a CPU device's copies between host and device memory, to imitate a link: "
              + "bytes per second and direction, as in 0.05GB/s (default: not throttled).")
  private long linkBandwidth;

  @Option(
      names = "--deterministic",
      description =
          "Results must not depend on what else is computed at the same time; slower on a GPU, and "
              + "always so on a CPU device.")
  private boolean deterministic;

  public String name() {
    return name;
  }

  public int threads() {
    return threads;
  }

  /** Bytes per second; 0 for no throttle. */
  public long linkBandwidth() {
    return linkBandwidth;
  }

  /**
   * Opens the device.
   *
   * @throws DeviceException if it cannot be used, or has no link that can be throttled
   */
  public Devices.Choice open() {
    Devices.Choice choice =
        Devices.open(name, new DeviceOptions(0, threads, linkBandwidth, deterministic));
    String kind = choice.device().info().kind();
    if (linkBandwidth > 0 && !kind.equals("cpu")) {
      choice.device().close();
      throw new DeviceException(
          "--link-bandwidth throttles a CPU device, not " + kind + "; see --device");
    }
    return choice;
  }
}
