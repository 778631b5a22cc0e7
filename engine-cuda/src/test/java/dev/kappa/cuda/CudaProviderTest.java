package dev.kappa.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceOptions;
import dev.kappa.device.DeviceProvider;
import dev.kappa.device.Devices;
import org.junit.jupiter.api.Test;

class CudaProviderTest {

  private final DeviceProvider provider = new CudaProvider();

  @Test
  void isFoundByServiceLoader() {
    assertThat(Devices.providers()).hasAtLeastOneElementOfType(CudaProvider.class);
  }

  @Test
  void probeSaysWhyWithoutThrowing() {
    DeviceProvider.Availability found = provider.probe();
    assertThat(found.usable()).isFalse();
    assertThat(found.reason()).isNotBlank().doesNotContain("\n");
  }

  @Test
  void forcedChoiceFailsWithTheReason() {
    assertThatThrownBy(() -> provider.open(DeviceOptions.defaults()))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining(provider.probe().reason());
    assertThatThrownBy(() -> Devices.open("cuda:0", 0)).isInstanceOf(DeviceException.class);
  }
}
