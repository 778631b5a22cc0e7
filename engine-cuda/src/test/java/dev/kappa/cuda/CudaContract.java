package dev.kappa.cuda;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceContractTest;
import dev.kappa.device.Stream;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;

/** The device contract on a GPU, simulated or not, with bits that do not depend on the batch. */
abstract class CudaContract extends DeviceContractTest {

  @Override
  protected Device openDevice(int threads) {
    return new CudaDevice(0, true);
  }

  /**
   * Activations have eight significant bits, so rounding to the nearest changes them by at most one
   * part in 256; the rest is for the 32-bit arithmetic before it.
   */
  @Override
  protected double tolerance() {
    return 0x1p-8 * 1.01;
  }

  @Override
  protected boolean hasWindows() {
    return true;
  }

  @Override
  protected Set<Independent> promises() {
    return EnumSet.allOf(Independent.class);
  }

  @Override
  protected DType weightType(DType source) {
    return DType.BF16;
  }

  /** A failure takes the whole context along, so that the contract's other streams fail as well. */
  @Override
  protected boolean submitFailure(Stream target) {
    return false;
  }

  @Override
  protected boolean submitWait(Stream target, CountDownLatch latch) {
    CudaStream.of(target)
        .call(() -> {
          try {
            latch.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    return true;
  }
}
