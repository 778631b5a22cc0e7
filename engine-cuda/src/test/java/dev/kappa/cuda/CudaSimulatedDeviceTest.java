package dev.kappa.cuda;

import dev.kappa.cuda.sim.SimulatedCuda;
import dev.kappa.cuda.sim.SimulationControl;
import org.junit.jupiter.api.BeforeAll;

/** The device contract on the simulated GPU. */
class CudaSimulatedDeviceTest extends CudaContract {

  @BeforeAll
  static void simulate() {
    SimulatedCuda cuda = SimulatedCuda.load();
    cuda.control().reset();
    cuda.control().configure(SimulationControl.Setup.plain());
  }
}
