package dev.kappa.cuda;

import dev.kappa.cuda.sim.SimulationControl;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/**
 * The device contract with blocks and threads run from the last to the first, and streams that
 * pause: a missing barrier shows in one of the two orders, a missing wait between streams in some.
 */
class CudaReverseOrderTest extends CudaContract {

  @BeforeAll
  static void simulate() {
    SimulationControl control = SimulatedGpu.reset();
    control.configure(
        SimulationControl.Setup.plain().withReverse(true).withSeed(SEED).withDelayMicros(20));
    // Launches fill it soon, so that contexts are split less often than on a large GPU.
    control.processors(1);
  }

  @AfterAll
  static void restore() {
    SimulatedGpu.reset();
  }
}
