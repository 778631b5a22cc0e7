package dev.kappa.cuda;

import dev.kappa.device.Device;
import dev.kappa.engine.EngineEquivalenceTest;
import org.junit.jupiter.api.BeforeAll;

/** Alone, batched, chunked, cached and preempted: the same bits on the simulated GPU. */
class CudaSimulatedEquivalenceTest extends EngineEquivalenceTest {

  @BeforeAll
  static void simulate() {
    SimulatedGpu.reset();
  }

  @Override
  protected Device openDevice(int threads) {
    return SimulatedGpu.open();
  }
}
