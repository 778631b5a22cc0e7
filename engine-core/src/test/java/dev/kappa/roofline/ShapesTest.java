package dev.kappa.roofline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Shapes small enough to count by hand. */
class ShapesTest {

  private static final Attention GROUPED = new Attention.Grouped(4, 2, 8);

  private static HardwareProfile hardware(double flops, double link) {
    return new HardwareProfile("test", flops, link, link, 1e12, 0, 0);
  }

  @Test
  void countsGroupedAttention() {
    // q and o: 16 × 32 each; k and v: 16 × 16 each.
    assertThat(GROUPED.parameters(16)).isEqualTo(2 * 512 + 2 * 256);
    assertThat(GROUPED.kvElements()).isEqualTo(32);
    assertThat(GROUPED.flopsPerPair()).isEqualTo(128);
    assertThat(new Attention.Grouped(4, 2, 8, true, true).parameters(16)).isEqualTo(1536 + 64 + 16);
  }

  @Test
  void countsLatentAttention() {
    Attention latent = new Attention.Latent(4, 6, 10, 3, 2, 5);
    long query = 16 * 6 + 6 + 6 * 4 * 5;
    long keysAndValues = 16 * 12 + 10 + 10 * 4 * 8;
    assertThat(latent.parameters(16)).isEqualTo(query + keysAndValues + 4 * 5 * 16);
    assertThat(latent.kvElements()).isEqualTo(12);
    assertThat(latent.flopsPerPair()).isEqualTo(2 * 4 * 10);
  }

  @Test
  void countsExperts() {
    FeedForward experts = new FeedForward.Experts(8, 2, 10, 5, 1, 40);
    // In two of three layers: 8 or 2 experts, a shared part and a router.
    long rest = 3 * 16 * 5 + 16 * 8;
    assertThat(experts.parameters(3, 16)).isEqualTo(2 * (8 * 480 + rest) + 3 * 16 * 40);
    assertThat(experts.activeParameters(3, 16)).isEqualTo(2 * (2 * 480 + rest) + 3 * 16 * 40);
  }

  @Test
  void countsBytesByType() {
    assertThat(KvType.F32.bytes(GROUPED)).isEqualTo(128);
    assertThat(KvType.BF16.bytes(GROUPED)).isEqualTo(64);
    assertThat(KvType.FP8.bytes(GROUPED)).isEqualTo(32);
    assertThat(KvType.INT8.bytes(GROUPED)).as("and four scales").isEqualTo(32 + 16);
  }

  private static ModelShape windowed(int window, int layers) {
    FeedForward dense = new FeedForward.Dense(20);
    return new ModelShape(4, 16, 100, true, GROUPED, dense, window, layers, KvType.BF16);
  }

  @Test
  void windowsBoundWhatIsKeptAndSeen() {
    ModelShape model = windowed(10, 3);
    assertThat(model.kvBytes(8)).isEqualTo(4 * 8 * 64);
    assertThat(model.kvBytes(30)).isEqualTo((30 + 3 * 10) * 64);
    // Of six new tokens behind six, the first four see up to ten tokens (6.5 + ... + 9.5 = 32).
    double pairs = 6 * 9 + 3 * (32 + 2 * 10);
    assertThat(model.flops(6, 6) - model.flopsWithoutAttention(6))
        .isCloseTo(128 * pairs, within(1e-6));
    assertThat(windowed(1000, 3).flops(6, 6)).isEqualTo(windowed(0, 0).flops(6, 6));
  }

  @Test
  void findsKappaCriticalOfWindowsWhereTimesAreEqual() {
    Roofline roofline = new Roofline(windowed(500, 2), hardware(1e9, 1e6));
    double kappa = roofline.kappaCritical(4000);
    double computed = 4000 / (1 + kappa);
    assertThat(
            roofline.loadNanos(4000 - computed) / roofline.computeNanos(computed, 4000 - computed))
        .isCloseTo(1, within(1e-6));
    // A window that nothing exceeds changes nothing.
    Roofline wide = new Roofline(windowed(9999, 2), hardware(1e9, 1e6));
    Roofline none = new Roofline(windowed(0, 0), hardware(1e9, 1e6));
    assertThat(wide.kappaCritical(4000)).isCloseTo(none.kappaCritical(4000), within(1e-6));
  }

  @Test
  void devicesShareHeadsButNotLatentVectors() {
    ModelShape grouped = windowed(0, 0);
    Roofline one = new Roofline(grouped, hardware(1e9, 1e6), 1);
    Roofline two = new Roofline(grouped, hardware(1e9, 1e6), 2);
    assertThat(two.loadNanos(100)).isEqualTo(one.loadNanos(100) / 2);
    assertThat(two.computeNanos(10, 100)).isEqualTo(one.computeNanos(10, 100) / 2);
    assertThat(two.kappaCritical(1000)).isCloseTo(one.kappaCritical(1000), within(1e-9));
    Attention latent = new Attention.Latent(4, 0, 10, 3, 2, 5);
    FeedForward dense = new FeedForward.Dense(20);
    ModelShape shape = new ModelShape(4, 16, 100, true, latent, dense, KvType.BF16);
    assertThat(new Roofline(shape, hardware(1e9, 1e6), 2).loadNanos(100))
        .isEqualTo(new Roofline(shape, hardware(1e9, 1e6), 1).loadNanos(100));
  }

  @Test
  void ratedMachinesAchieveTheirShares() {
    HardwareProfile h100 = Machine.Rated.of(Gpu.H100_SXM).profile();
    assertThat(h100.flopsPerSecond()).isEqualTo(989e12 / 2);
    assertThat(h100.hostToDeviceBytesPerSecond()).isCloseTo(57.0e9, within(0.05e9));
    assertThat(h100.deviceToHostBytesPerSecond()).isCloseTo(53.5e9, within(0.05e9));
    assertThatThrownBy(() -> new Machine.Rated(Gpu.A100_80, Link.PCIE4, Precision.FP8, 0.5))
        .isInstanceOf(IllegalArgumentException.class);
    for (Gpu gpu : Gpu.values()) {
      assertThat(gpu.source()).isNotEmpty();
      assertThat(Machine.Rated.of(gpu).profile().flopsPerSecond()).isPositive();
    }
  }

  /** 40,000 tokens/s at 2,000 tokens, as measured with Llama-3-8B on an H100. */
  @Test
  void measuredMachinesTakeTheTimeThatWasMeasured() {
    ModelShape llama = ModelShape.dense(32, 4096, 14336, 32, 8, 128, 128256, false, KvType.BF16);
    Machine machine =
        Machine.Measured.of(Machine.Rated.of(Gpu.H100_SXM), llama, 2000, 40_000, 50e9);
    Roofline roofline = new Roofline(llama, machine.profile());
    assertThat(roofline.computeNanos(2000, 0)).isCloseTo(50e6, within(1.0));
    assertThat(roofline.loadNanos(1000)).isCloseTo(131_072_000 / 50e9 * 1e9, within(1.0));
  }
}
