package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.kappa.device.virtual.VirtualDevice;
import dev.kappa.device.virtual.VirtualModels;
import dev.kappa.roofline.HardwareProfile;
import dev.kappa.roofline.MeasuredRates;
import dev.kappa.roofline.ModelShape;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On a machine whose rates are known. */
@Timeout(300)
class MachineProbeTest {

  private static final ModelShape SHAPE = VirtualModels.llama8B();
  private static final double PRODUCTS = 5e14;
  private static final double ATTENTION = 2e14;
  private static final double MEMORY = 3e12;
  private static final double KV = 2e12;
  private static final long LAUNCH = 3000;

  @TempDir Path folder;

  private MeasuredRates measure(int positions) {
    HardwareProfile machine =
        new HardwareProfile("known", PRODUCTS, ATTENTION, 50e9, 40e9, MEMORY, KV, LAUNCH, 0);
    try (VirtualDevice device = new VirtualDevice(machine, 1)) {
      MachineProbe.Settings settings = new MachineProbe.Settings(0, 0, 1, device::run);
      MachineProbe.Found found =
          MachineProbe.measure(VirtualModels.write(folder, SHAPE, positions), device, settings);
      assertThat(found.maxBatchedTokens()).isEqualTo(2048);
      return found.rates();
    }
  }

  @Test
  void findsTheRates() {
    MeasuredRates rates = measure(131_072);
    // Of all matrices of the layers, which is all that a prompt token is multiplied with.
    double layers = 32 * (4096.0 * 128 * (64 + 16) + 3.0 * 4096 * 14336);
    assertThat(rates.tokenNanos() / (2 * layers / PRODUCTS * 1e9)).isBetween(0.95, 1.1);
    assertThat(rates.pairNanos()).isCloseTo(524_288 / ATTENTION * 1e9, withinPercentage(3));
    double weights = 2 * (layers + 4096.0 * 128256);
    assertThat(rates.weightsNanos() / (weights / MEMORY * 1e9)).isBetween(0.9, 1.1);
    assertThat(rates.contextNanos()).isCloseTo(131_072 / KV * 1e9, withinPercentage(5));
    // Nine kernels in each layer and a few more, and reading the output projection for one row.
    double fixed = (9 * 32 + 6) * LAUNCH + 2 * 4096.0 * 128256 / MEMORY * 1e9;
    assertThat(rates.fixedNanos() / fixed).isBetween(0.9, 1.2);
    assertThat(rates.loadBytesPerSecond()).isCloseTo(50e9, withinPercentage(1));
    assertThat(rates.storeBytesPerSecond()).isCloseTo(40e9, withinPercentage(1));
  }

  @Test
  void refusesAModelThatIsTooShort() {
    assertThatThrownBy(() -> measure(20))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("context of 20 tokens");
  }
}
