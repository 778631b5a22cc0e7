package dev.kappa.roofline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RooflineTest {

  /** Llama-3.1-8B, KV in bf16. */
  private static final ModelShape LLAMA =
      ModelShape.dense(32, 4096, 14336, 32, 8, 128, 128256, false, KvType.BF16);

  private static final Roofline H100 = new Roofline(LLAMA, hardware(5e14, 57e9));

  private static HardwareProfile hardware(double flops, double link) {
    return new HardwareProfile("test", flops, link, link, 3e12, 3000, 10_000);
  }

  @Test
  void countsBytesAndFlopsOfLlama8B() {
    assertThat(LLAMA.kvBytesPerToken()).isEqualTo(131_072);
    assertThat(LLAMA.attentionFlopsPerPair()).isEqualTo(524_288);
    // One token behind 1000 others: 16.06 GF, and attention over those and half of itself.
    assertThat(LLAMA.flops(1, 1000)).isEqualTo(2 * 8_030_261_248.0 + 524_288 * 1000.5);
    assertThat(LLAMA.flops(0, 1000)).isZero();
  }

  @Test
  void countsTheParametersOfADenseModel() {
    // The number of elements in the published checkpoint.
    ModelShape llama = ModelShape.dense(32, 4096, 14336, 32, 8, 128, 128256, false, KvType.BF16);
    assertThat(llama.activeParameters()).isEqualTo(8_030_261_248L);
    ModelShape llama1B = ModelShape.dense(16, 2048, 8192, 32, 8, 64, 128256, true, KvType.BF16);
    assertThat(llama1B.activeParameters()).isEqualTo(1_235_814_400L);
  }

  @ParameterizedTest
  @CsvSource({"2000,15", "8000,18", "32000,28", "100000,59"})
  void findsKappaCriticalOfLlama8BOnPcie5(long context, double expected) {
    assertThat(H100.kappaCritical(context)).isCloseTo(expected, within(0.5));
  }

  @Test
  void findsKappaCriticalWithoutAttention() {
    assertThat(H100.kappaCriticalWithoutAttention()).isCloseTo(14, within(0.5));
    assertThat(H100.kappaCriticalWithoutAttention())
        .isCloseTo(2 * 8_030_261_248.0 * 57e9 / (5e14 * 131_072), within(1e-9));
  }

  @ParameterizedTest
  @CsvSource({"5e14,57e9,1000000", "1e11,57e9,5000000", "5e14,1e9,1000000", "1e18,1e6,1000000"})
  void bothTimesAreEqualAtKappaCritical(double flops, double link, long context) {
    Roofline roofline = new Roofline(LLAMA, hardware(flops, link));
    double kappa = roofline.kappaCritical(context);
    double computed = context / (1 + kappa);
    double load = (context - computed) * LLAMA.kvBytesPerToken() / link;
    double attention = LLAMA.attentionFlopsPerPair() * (context - computed / 2);
    double compute = computed * (2.0 * LLAMA.activeParameters() + attention) / flops;
    assertThat(load / compute).isCloseTo(1, within(1e-6));
  }

  @Test
  void timesFollowFromTheRates() {
    assertThat(H100.loadNanos(57)).isCloseTo(131_072, within(1e-6));
    assertThat(H100.computeNanos(1000, 0))
        .isCloseTo(
            (1000 * 2 * 8_030_261_248.0 + 524_288 * 1000.0 * 500) / 5e14 * 1e9, within(1e-3));
    assertThat(H100.computeNanos(1, 2000)).isGreaterThan(H100.computeNanos(1, 1000));
  }

  @Test
  void aLinkThatCostsNothingIsAlwaysHiddenAndFreeComputeNeverHidesOne() {
    double never = Double.POSITIVE_INFINITY;
    assertThat(new Roofline(LLAMA, hardware(5e14, never)).kappaCritical(8000)).isInfinite();
    assertThat(new Roofline(LLAMA, hardware(never, 57e9)).kappaCritical(8000)).isZero();
    assertThatThrownBy(() -> H100.kappaCritical(0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aKernelTakesTheLongerOfArithmeticAndMemory() {
    HardwareProfile hardware = new HardwareProfile("test", 1e12, 1e9, 2e9, 1e11, 300, 50);
    assertThat(hardware.kernelNanos(5e6, 1e5)).isCloseTo(300 + 5000, within(1e-6));
    assertThat(hardware.kernelNanos(5e5, 1e5)).isCloseTo(300 + 1000, within(1e-6));
    assertThat(hardware.hostToDeviceNanos(1000)).isCloseTo(50 + 1000, within(1e-6));
    assertThat(hardware.deviceToHostNanos(1000)).isCloseTo(50 + 500, within(1e-6));
    assertThat(hardware.deviceToDeviceNanos(1000)).isCloseTo(50 + 20, within(1e-6));
  }

  @Test
  void refusesWhatIsNoModelOrMachine() {
    assertThatThrownBy(() -> ModelShape.dense(1, 64, 64, 6, 4, 16, 100, false, KvType.BF16))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ModelShape.dense(0, 64, 64, 4, 4, 16, 100, false, KvType.BF16))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> hardware(0, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> hardware(1, Double.NaN)).isInstanceOf(IllegalArgumentException.class);
  }
}
