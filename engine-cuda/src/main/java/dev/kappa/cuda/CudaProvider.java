package dev.kappa.cuda;

import dev.kappa.cuda.natives.JCudaNatives;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceOptions;
import dev.kappa.device.DeviceProvider;

/** Offers NVIDIA GPUs from compute capability 8.0 on. */
public final class CudaProvider implements DeviceProvider {

  /** Below it, tensor cores take no 16-bit brain floats. */
  private static final int LEAST_CAPABILITY = 80;

  /** What context, cuBLAS and kernels take, with something to spare for a model. */
  private static final long LEAST_BYTES = 192L << 20;

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
    return probe(0);
  }

  private static Availability probe(int ordinal) {
    CudaDriver.Found found;
    try {
      found = CudaDriver.query(ordinal).orElse(null);
    } catch (CudaException e) {
      return no("the NVIDIA driver does not answer: " + e.getMessage());
    }
    if (found == null) {
      return no("no NVIDIA driver (libcuda.so.1)");
    }
    if (found.devices() == 0) {
      return no("the NVIDIA driver reports no GPU");
    }
    if (ordinal >= found.devices()) {
      return no("there are %d GPUs, from 0 on, and no %d".formatted(found.devices(), ordinal));
    }
    String gpu = describe(found);
    if (found.capability() < LEAST_CAPABILITY) {
      return no(gpu + " is too old: compute capability 8.0 is needed");
    }
    if (found.memoryBytes() < LEAST_BYTES) {
      return no("%s has only %d MiB of memory".formatted(gpu, found.memoryBytes() >> 20));
    }
    try {
      return new Availability(true, "%s, %s".formatted(gpu, JCudaNatives.loadCublas()));
    } catch (DeviceException e) {
      return no("%s found, but %s".formatted(gpu, e.getMessage()));
    }
  }

  @Override
  public Device open(DeviceOptions options) {
    Availability found = probe(options.ordinal());
    if (!found.usable()) {
      throw new DeviceException("cuda: " + found.reason());
    }
    return new CudaDevice(options.ordinal(), options.deterministic());
  }

  private static Availability no(String reason) {
    return new Availability(false, reason);
  }

  private static String describe(CudaDriver.Found found) {
    return "%s (compute capability %d.%d, driver for CUDA %d.%d)"
        .formatted(
            found.name(),
            found.capability() / 10,
            found.capability() % 10,
            found.driverVersion() / 1000,
            found.driverVersion() % 1000 / 10);
  }
}
