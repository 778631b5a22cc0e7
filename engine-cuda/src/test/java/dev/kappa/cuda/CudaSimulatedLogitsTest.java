package dev.kappa.cuda;

import org.junit.jupiter.api.BeforeAll;

/** The tiny models against their reference on the simulated GPU. */
class CudaSimulatedLogitsTest extends CudaLogits {

  @BeforeAll
  static void simulate() {
    SimulatedGpu.reset();
  }
}
