package dev.kappa.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.kappa.device.virtual.VirtualModels;
import dev.kappa.roofline.HardwareProfile;
import dev.kappa.roofline.Line;
import dev.kappa.roofline.ModelShape;
import dev.kappa.roofline.Roofline;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CrossingTest {

  private static final ModelShape SHAPE = VirtualModels.llama8B();
  private static final double FLOPS = 5e14;
  private static final double LINK = 57e9;

  @ParameterizedTest
  @ValueSource(ints = {100, 2048, 8192, 100_000})
  void isTheRooflinesWhereNothingIsFixed(int context) {
    HardwareProfile hardware =
        new HardwareProfile("H100", FLOPS, LINK, LINK, Double.POSITIVE_INFINITY, 0, 0);
    assertThat(Crossing.kappa(new Line(0, 1 / LINK), new Line(0, 1 / FLOPS), SHAPE, context))
        .isCloseTo(new Roofline(SHAPE, hardware).kappaCritical(context), withinPercentage(1e-6));
  }

  /** Fixed parts of 1,000 seconds leave nothing to the rest. */
  @ParameterizedTest
  @CsvSource({"1000, 0, 0", "0, 1000, Infinity"})
  void liesOutsideWhereOneSideIsAlwaysLonger(double load, double compute, double kappa) {
    assertThat(Crossing.kappa(new Line(load, 1 / LINK), new Line(compute, 1 / FLOPS), SHAPE, 2048))
        .isEqualTo(kappa);
  }
}
