package dev.kappa.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.device.check.CheckLine;
import dev.kappa.device.check.DeviceCheck;
import dev.kappa.device.check.Extent;
import dev.kappa.device.check.WrongDevice;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The simulated GPU, checked as doctor checks devices. */
class CudaSimulatedCheckTest {

  private static final long SEED = Long.getLong("kappa.test.seed", 20261129);

  private final List<CheckLine> lines = new ArrayList<>();

  @BeforeAll
  static void simulate() {
    SimulatedGpu.reset();
  }

  private boolean check(Device device) {
    return check(device, SEED);
  }

  private boolean check(Device device, long seed) {
    try (device;
        Device reference = Devices.open("cpu", 2).device()) {
      boolean passed = DeviceCheck.run(device, reference, Extent.QUICK, seed, lines::add);
      assertThat(device.allocatedBytes()).as("bytes leaked, seed %d", seed).isZero();
      return passed;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void agreesWithTheProcessor(int offset) {
    // Further apart than a check's cases, whose seeds follow one another.
    long seed = SEED + 1000 * offset;
    assertThat(check(SimulatedGpu.open(), seed)).as("seed %d: %s", seed, lines).isTrue();
    assertThat(lines)
        .as("seed %d", seed)
        .filteredOn(line -> line.what().equals("matmul"))
        .allMatch(line -> line.error() > 0 && line.error() <= 1 && line.nanos() > 0);
  }

  @Test
  void isFoundOutIfAKernelIsWrong() {
    assertThat(check(new WrongDevice(SimulatedGpu.open(), "attention"))).isFalse();
    assertThat(lines)
        .as("seed %d", SEED)
        .allMatch(line -> line.passed() != line.what().equals("attention"));
  }

  @Test
  void isCheckedToTheEndWhenItIsLost() {
    SimulatedGpu.reset().failCopy(5);
    assertThat(check(SimulatedGpu.open())).isFalse();
    SimulatedGpu.reset();
    // The first needs fewer copies.
    assertThat(lines.subList(1, lines.size()))
        .as("seed %d", SEED)
        .hasSizeGreaterThan(20)
        .noneMatch(CheckLine::passed);
    assertThat(lines.getLast().problem()).contains("ILLEGAL_ADDRESS");
  }
}
