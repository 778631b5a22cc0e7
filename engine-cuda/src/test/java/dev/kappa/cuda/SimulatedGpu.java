package dev.kappa.cuda;

import dev.kappa.cuda.sim.SimulatedCuda;
import dev.kappa.cuda.sim.SimulationControl;
import dev.kappa.device.Device;

/** The simulated GPU, as those tests want it that run on a device. */
final class SimulatedGpu {

  private SimulatedGpu() {}

  /** A simulation in its first state, with nothing of other tests in it. */
  static SimulationControl reset() {
    SimulationControl control = SimulatedCuda.load().control();
    control.reset();
    control.configure(SimulationControl.Setup.plain());
    return control;
  }

  /** A device whose bits do not depend on the batch. */
  static Device open() {
    return new CudaDevice(0, true);
  }
}
