package dev.kappa.device.cpu;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceContractTest;
import dev.kappa.device.DeviceOptions;
import dev.kappa.device.Stream;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;

/** The device contract on the CPU device, which promises the same bits whatever happens. */
class CpuDeviceTest extends DeviceContractTest {

  @Override
  protected Device openDevice(int threads) {
    return new CpuProvider().open(new DeviceOptions(0, threads, 0, false));
  }

  @Override
  protected double tolerance() {
    return 4e-7;
  }

  @Override
  protected Set<Independent> promises() {
    return EnumSet.allOf(Independent.class);
  }

  @Override
  protected boolean submitFailure(Stream target) {
    CpuStream.of(target)
        .launch(scratch -> {
          throw new IllegalStateException("failing on demand");
        });
    return true;
  }

  @Override
  protected boolean submitWait(Stream target, CountDownLatch latch) {
    CpuStream.of(target)
        .launch(scratch -> {
          try {
            latch.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
    return true;
  }
}
