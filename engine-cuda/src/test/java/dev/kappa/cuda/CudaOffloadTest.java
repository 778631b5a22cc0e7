package dev.kappa.cuda;

import dev.kappa.device.Device;
import dev.kappa.engine.OffloadTest;
import org.junit.jupiter.api.Tag;

/** Resident, restored from host memory, streamed: the same bits on a real GPU. */
@Tag("gpu")
class CudaOffloadTest extends OffloadTest {

  @Override
  protected Device openDevice(int threads) {
    return new CudaDevice(0, true);
  }
}
