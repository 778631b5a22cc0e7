package dev.kappa.device.cpu;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceOptions;
import dev.kappa.device.DeviceProvider;
import dev.kappa.device.host.SystemInfo;

/** Offers the processor as a device, on every machine. */
public final class CpuProvider implements DeviceProvider {

  private static final String VECTORS = "jdk.incubator.vector";

  @Override
  public String kind() {
    return "cpu";
  }

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public Availability probe() {
    if (ModuleLayer.boot().findModule(VECTORS).isEmpty()) {
      return new Availability(
          false, "the Vector API is missing; start Java with --add-modules " + VECTORS);
    }
    return new Availability(
        true,
        "%s, %d threads, %d-bit vectors"
            .formatted(SystemInfo.processorName(), threads(0), Lanes.FLOATS.vectorBitSize()));
  }

  @Override
  public Device open(DeviceOptions options) {
    Availability found = probe();
    if (!found.usable()) {
      throw new DeviceException(found.reason());
    }
    if (options.ordinal() != 0) {
      throw new DeviceException("there is one CPU device, cpu:0, not cpu:" + options.ordinal());
    }
    return new CpuDevice(threads(options.threads()), options.linkBandwidth());
  }

  private static int threads(int wanted) {
    return wanted > 0 ? wanted : Runtime.getRuntime().availableProcessors();
  }
}
