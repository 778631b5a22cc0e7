package dev.kappa.cuda.sim;

import static org.assertj.core.api.Assertions.assertThat;

import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Kernels compute on the simulated device what they would on a real one. */
class SampleKernelsTest {

  private final Simulation simulation = new Simulation();

  @BeforeEach
  void open() {
    simulation.open();
  }

  @AfterEach
  void close() {
    simulation.close();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void runsInBothOrders(boolean reverse) {
    simulation.configure(SimulationControl.Setup.plain().withReverse(reverse));
    float[] values = new float[1000];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    CUdeviceptr in = simulation.floats(values);
    CUdeviceptr out = simulation.allocate(4L * values.length);
    simulation.launch(
        "scale",
        4,
        256,
        0,
        null,
        Pointer.to(in),
        Pointer.to(out),
        Simulation.of(values.length),
        Simulation.of(3f));
    float[] result = simulation.read(out, values.length);
    for (int i = 0; i < values.length; i++) {
      assertThat(result[i]).isEqualTo(3f * i);
    }
  }
}
