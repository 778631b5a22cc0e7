package dev.kappa.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.Device;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The simulated cuBLAS adds up in an order that depends on the number of rows, as the real one
 * does, so that it shows whether a device relies on it.
 */
class CudaSimulatedRowBitsTest extends CudaRowBits {

  @BeforeEach
  void simulate() {
    SimulatedGpu.reset();
  }

  @Override
  int columns() {
    return 512;
  }

  @Override
  int outputs() {
    return 64;
  }

  @Test
  void aRowsBitsDependOnTheOthersByDefault() {
    try (Device device = new CudaDevice(0, false)) {
      assertThat(bits(device, 200, 0)).isNotEqualTo(bits(device, 1, 0));
    }
  }
}
