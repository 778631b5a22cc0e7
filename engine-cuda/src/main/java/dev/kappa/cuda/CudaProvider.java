package dev.kappa.cuda;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceOptions;
import dev.kappa.device.DeviceProvider;
import java.util.Optional;

/**
 * Reports NVIDIA GPUs. The kernels that would compute on them are not part of this version, so it
 * opens none and says so.
 */
public final class CudaProvider implements DeviceProvider {

  @Override
  public String kind() {
    return "cuda";
  }

  @Override
  public int priority() {
    return 10;
  }

  @Override
  public Availability probe() {
    Optional<CudaDriver.Found> found;
    try {
      found = CudaDriver.query();
    } catch (CudaException e) {
      return new Availability(false, "the NVIDIA driver does not answer: " + e.getMessage());
    }
    return new Availability(false, found.map(CudaProvider::describe).orElse("no NVIDIA driver"));
  }

  @Override
  public Device open(DeviceOptions options) {
    throw new DeviceException("cuda: " + probe().reason());
  }

  private static String describe(CudaDriver.Found found) {
    if (found.devices() == 0) {
      return "the NVIDIA driver reports no GPU";
    }
    return "%s found (driver for CUDA %d.%d), but this version computes on the CPU only"
        .formatted(
            found.firstDevice(), found.driverVersion() / 1000, found.driverVersion() % 1000 / 10);
  }
}
