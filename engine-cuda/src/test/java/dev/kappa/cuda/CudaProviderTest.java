package dev.kappa.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.cuda.sim.SimulatedCuda;
import dev.kappa.cuda.sim.SimulationControl;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceOptions;
import dev.kappa.device.DeviceProvider;
import dev.kappa.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CudaProviderTest {

  private final DeviceProvider provider = new CudaProvider();
  private final SimulationControl control = SimulatedCuda.load().control();

  @BeforeEach
  @AfterEach
  void reset() {
    control.reset();
    control.configure(SimulationControl.Setup.plain());
  }

  @Test
  void isFoundByServiceLoader() {
    assertThat(Devices.providers()).hasAtLeastOneElementOfType(CudaProvider.class);
  }

  @Test
  void opensWhatItFinds() {
    DeviceProvider.Availability found = provider.probe();
    assertThat(found.usable()).as(found.reason()).isTrue();
    assertThat(found.reason()).contains("compute capability", "cublas").doesNotContain("\n");
    try (Device device = provider.open(DeviceOptions.defaults())) {
      assertThat(device.info().kind()).isEqualTo("cuda");
      assertThat(device.info().numericsId()).startsWith("cuda-sm").doesNotContain("deterministic");
    }
    try (Device device = provider.open(new DeviceOptions(0, 0, 0, true))) {
      assertThat(device.info().numericsId()).endsWith("-deterministic");
    }
  }

  @Test
  void refusesAGpuThatIsNotThere() {
    assertThatThrownBy(() -> Devices.open("cuda:7", 0))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("no 7");
  }

  @Test
  void refusesAGpuWithoutRoomForAModel() {
    control.configure(SimulationControl.Setup.plain().withMemoryBytes(64 << 20));
    DeviceProvider.Availability found = provider.probe();
    assertThat(found.usable()).isFalse();
    assertThat(found.reason()).contains("64 MiB").doesNotContain("\n");
    assertThatThrownBy(() -> provider.open(DeviceOptions.defaults()))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining(found.reason());
  }
}
