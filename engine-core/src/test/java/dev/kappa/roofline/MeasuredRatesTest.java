package dev.kappa.roofline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class MeasuredRatesTest {

  private static final ModelShape LLAMA =
      ModelShape.dense(32, 4096, 14336, 32, 8, 128, 128256, false, KvType.BF16);

  /** 16.06 GFLOP a token at 5e14, 524,288 a pair at 2e14, 16 GB of weights at 3e12, KV at 2e12. */
  private static final MeasuredRates RATES =
      new MeasuredRates(
          1e5,
          LLAMA.parameters() * 2 / 3e12 * 1e9,
          LLAMA.flopsWithoutAttention(1) / 5e14 * 1e9,
          131_072 / 2e12 * 1e9,
          524_288 / 2e14 * 1e9,
          57e9,
          50e9);

  @Test
  void areAMachineWithTheseRates() {
    HardwareProfile profile = RATES.profile("measured", LLAMA, 2.0 * LLAMA.parameters());
    assertThat(profile.flopsPerSecond()).isCloseTo(5e14, within(1e5));
    assertThat(profile.attentionFlopsPerSecond()).isCloseTo(2e14, within(1e5));
    assertThat(profile.deviceMemoryBytesPerSecond()).isCloseTo(3e12, within(1e3));
    assertThat(profile.attentionBytesPerSecond()).isCloseTo(2e12, within(1e3));
    assertThat(profile.hostToDeviceBytesPerSecond()).isEqualTo(57e9);
    assertThat(profile.deviceToHostBytesPerSecond()).isEqualTo(50e9);
  }

  /** Times by the rates themselves, not by way of FLOPs. */
  @Test
  void loadingAndComputingTakeEqualTimesAtTheCriticalKappa() {
    for (int context : new int[] {100, 8000, 100_000}) {
      double kappa = RATES.kappaCritical(LLAMA, context);
      double cached = context * kappa / (1 + kappa);
      double computed = context - cached;
      double load = cached * 131_072 / 57e9 * 1e9;
      double compute =
          computed * RATES.tokenNanos() + computed * (cached + computed / 2) * RATES.pairNanos();
      assertThat(load / compute).isCloseTo(1, within(1e-9));
    }
  }

  @Test
  void tellNothingWithoutAMeasurement() {
    assertThat(MeasuredRates.NONE.kappaCritical(LLAMA, 1000)).isNaN();
    MeasuredRates noLink = new MeasuredRates(1, 1, 1, 1, 1, 0, 0);
    assertThat(noLink.kappaCritical(LLAMA, 1000)).isNaN();
    assertThatThrownBy(() -> noLink.profile("none", LLAMA, 0))
        .isInstanceOf(IllegalStateException.class);
  }
}
