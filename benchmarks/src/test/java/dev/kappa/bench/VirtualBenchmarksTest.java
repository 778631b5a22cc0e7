package dev.kappa.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.kappa.device.virtual.VirtualDevice;
import dev.kappa.device.virtual.VirtualModels;
import dev.kappa.kv.StorePolicy;
import dev.kappa.roofline.HardwareProfile;
import dev.kappa.roofline.ModelShape;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The real engine in virtual time, where what a measurement should find is known. */
class VirtualBenchmarksTest {

  private static final double FLOPS = 5e14;
  private static final double LINK = 57e9;
  private static final ModelShape SHAPE = VirtualModels.llama8B();
  private static final int CONTEXT = 2048;

  @TempDir private Path folder = Path.of("");

  /** Computing takes what its FLOPs take and nothing else. */
  private final VirtualDevice device =
      new VirtualDevice(
          new HardwareProfile("made up", FLOPS, LINK, LINK, Double.POSITIVE_INFINITY, 0, 2_000), 1);

  @AfterEach
  void closeDevice() {
    device.close();
  }

  private SweepResult sweep(List<Double> kappas) {
    Path model = VirtualModels.write(folder, SHAPE, 8192);
    KappaSweep.Settings settings =
        new KappaSweep.Settings(model, CONTEXT, kappas, 2, 0, 0, 0, true, 1, null);
    try (KappaSweep sweep = new KappaSweep(settings, device, device::run)) {
      return sweep.run(message -> {});
    }
  }

  @Test
  void sweepFindsTheRatesAndTheKappaOfTheMachine() {
    SweepResult result = sweep(List.of());
    assertThat(result.calibration().linkBytesPerSecond()).isCloseTo(LINK, withinPercentage(5));
    assertThat(result.calibration().compute().rate()).isCloseTo(FLOPS, withinPercentage(10));
    SweepResult.KappaCritical critical = result.kappaCritical();
    assertThat(critical.measured()).isCloseTo(critical.predicted(), withinPercentage(15));
    assertThat(result.points()).hasSizeGreaterThanOrEqualTo(8);
    assertThat(result.samples()).hasSize(4 * 2 * result.points().size());
  }

  @Test
  void sweepTellsWhatOverlapGains() {
    SweepResult.Row row = sweep(List.of(8.0)).points().getFirst();
    assertThat(row.loadWhole().overlap()).isCloseTo(0, within(1e-6));
    assertThat(row.loadWhole().first())
        .isCloseTo(row.predictedLoad() + row.predictedCompute(), withinPercentage(15));
    assertThat(row.load().first()).isLessThan(row.loadWhole().first());
    assertThat(row.load().overlap()).isPositive();
    assertThat(row.auto().first()).isLessThan(1.03 * row.load().first());
    assertThat(row.recompute().first()).isGreaterThan(row.loadWhole().first());
    assertThat(row.linkFraction()).isBetween(0.8, 1.01);
  }

  @Test
  void sweepIsPrintedAndWritten() {
    SweepResult result = sweep(List.of(1.0, 8.0));
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    SweepTable.print(result, new PrintStream(printed, true, StandardCharsets.UTF_8));
    assertThat(printed.toString(StandardCharsets.UTF_8).lines().toList())
        .last()
        .asString()
        .startsWith("kappa_crit(2048): predicted ");
    JsonNode json = JsonMapper.shared().readTree(KappaSweepCommand.json(result));
    assertThat(json.at("/options/context").intValue()).isEqualTo(CONTEXT);
    assertThat(json.at("/samples").size()).isEqualTo(16);
    assertThat(json.at("/points/0/load/copy").doubleValue()).isPositive();
  }

  /** Copies and computing do not hold each other up here, and host code takes no time. */
  @Test
  void overheadOfAFreeLinkIsNone() {
    Path model = VirtualModels.write(folder, SHAPE, 8192);
    OffloadOverhead.Settings settings =
        new OffloadOverhead.Settings(
            model, 4, 512, 8, 5, 0, StorePolicy.WRITE_THROUGH, true, 1, null);
    try (OffloadOverhead overhead = new OffloadOverhead(settings, device, device::run)) {
      OffloadOverhead.Result result = overhead.run();
      assertThat(result.medianRatio()).isCloseTo(1, within(1e-3));
      assertThat(result.pairs()).hasSize(5);
      assertThat(result.stores().stores().blocks()).isPositive();
      assertThat(result.stores().storesWasted()).as("host memory runs full").isPositive();
    }
  }
}
