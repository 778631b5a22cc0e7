package dev.kappa.device.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Devices;
import dev.kappa.device.check.KernelCase.Kind;
import dev.kappa.device.check.KernelCase.Output;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ComparisonTest {

  private static final double TOLERANCE = 0.01;

  private final Device device = Devices.open("cpu", 1).device();
  private final Side side = new Side(device);

  @AfterEach
  void close() {
    side.close();
    device.close();
  }

  private Comparison compare(double tolerance, float[] found, float[] right) {
    return compare(tolerance, output(found, Kind.FLOAT), output(right, Kind.FLOAT));
  }

  private Comparison compare(double tolerance, Output found, Output right) {
    Comparison comparison = new Comparison(tolerance);
    comparison.add(side, found, side, right);
    return comparison;
  }

  private Output output(float[] values, Kind kind) {
    DType dtype = kind == Kind.BLOCKS ? DType.BF16 : DType.F32;
    return new Output(side.upload(values, dtype), kind, values.length);
  }

  @Test
  void countsErrorsInTolerancesOfTheValue() {
    Comparison comparison = compare(TOLERANCE, new float[] {100.5f, 1f}, new float[] {100f, 1f});
    assertThat(comparison.worst()).isEqualTo(0.5);
    assertThat(comparison.problem()).isEmpty();
  }

  @Test
  void countsErrorsOfSmallValuesInTolerancesOfTheUsualSize() {
    float[] right = {0.02f, -0.02f, 0.02f, 0f};
    float[] found = {0.02f, -0.02f, 0.02f, 0.001f};
    Comparison comparison = compare(TOLERANCE, found, right);
    assertThat(comparison.worst()).isGreaterThan(5).isLessThan(6);
    assertThat(comparison.problem()).isEqualTo("element 3 is 0.001, not 0.0");
  }

  @Test
  void acceptsNoOtherBitWithoutATolerance() {
    assertThat(compare(0, new float[] {1f}, new float[] {1f}).problem()).isEmpty();
    assertThat(compare(0, new float[] {Math.nextUp(1f)}, new float[] {1f}).problem()).isNotEmpty();
    assertThat(compare(0, new float[] {-0f}, new float[] {0f}).problem()).isNotEmpty();
  }

  @Test
  void acceptsNoResultThatWasNeverWritten() {
    DeviceMemory memory = side.poisoned(8);
    Output poison = new Output(memory, Kind.FLOAT, 2);
    assertThat(compare(TOLERANCE, poison, poison).problem()).isEqualTo("element 0 is NaN, not NaN");
    float[] right = {1f, 2f};
    assertThat(compare(TOLERANCE, poison, output(right, Kind.FLOAT)).worst()).isInfinite();
  }

  @Test
  void acceptsGapsInBlocksWhereBothHaveThem() {
    float[] right = {1f, Float.NaN, 3f};
    Output blocks = output(right, Kind.BLOCKS);
    assertThat(compare(TOLERANCE, blocks, blocks).problem()).isEmpty();
    Output filled = output(new float[] {1f, 2f, 3f}, Kind.BLOCKS);
    assertThat(compare(TOLERANCE, filled, blocks).problem()).isEqualTo("element 1 is 2.0, not NaN");
    assertThat(compare(TOLERANCE, blocks, filled).problem()).isEqualTo("element 1 is NaN, not 2.0");
  }
}
