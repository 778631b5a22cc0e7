package dev.kappa.cuda;

import org.junit.jupiter.api.BeforeAll;

/** The device contract on the simulated GPU. */
class CudaSimulatedDeviceTest extends CudaContract {

  @BeforeAll
  static void simulate() {
    SimulatedGpu.reset();
  }
}
