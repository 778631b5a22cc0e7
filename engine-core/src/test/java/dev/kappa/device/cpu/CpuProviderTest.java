package dev.kappa.device.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceOptions;
import dev.kappa.device.Devices;
import org.junit.jupiter.api.Test;

class CpuProviderTest {

  @Test
  void isFoundByNameAndSaysWhatItFound() {
    Devices.Choice choice = Devices.open("cpu", 3);
    try (var device = choice.device()) {
      assertThat(device.info().kind()).isEqualTo("cpu");
      assertThat(device.info().numericsId()).startsWith("cpu-");
      assertThat(choice.reason()).contains("threads").contains("-bit vectors");
    }
  }

  @Test
  void refusesASecondProcessor() {
    assertThatThrownBy(() -> new CpuProvider().open(new DeviceOptions(1, 0, 0, false)))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("cpu:1");
  }
}
