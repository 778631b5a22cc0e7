package dev.kappa.cuda;

import dev.kappa.device.Device;
import dev.kappa.engine.OffloadTest;
import org.junit.jupiter.api.BeforeAll;

/** Resident, restored from host memory, streamed: the same bits on the simulated GPU. */
class CudaSimulatedOffloadTest extends OffloadTest {

  @BeforeAll
  static void simulate() {
    SimulatedGpu.reset();
  }

  @Override
  protected Device openDevice(int threads) {
    return SimulatedGpu.open();
  }
}
