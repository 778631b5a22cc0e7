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
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The simulated GPU, checked as doctor checks devices. */
class CudaSimulatedCheckTest {

  private final long seed = Long.getLong("kappa.test.seed", new Random().nextLong());
  private final List<CheckLine> lines = new ArrayList<>();

  @BeforeAll
  static void simulate() {
    SimulatedGpu.reset();
  }

  private boolean check(Device device) {
    try (device;
        Device reference = Devices.open("cpu", 2).device()) {
      boolean passed = DeviceCheck.run(device, reference, Extent.QUICK, seed, lines::add);
      assertThat(device.allocatedBytes()).as("bytes leaked, seed %d", seed).isZero();
      return passed;
    }
  }

  @Test
  void agreesWithTheProcessor() {
    assertThat(check(SimulatedGpu.open())).as("seed %d: %s", seed, lines).isTrue();
    assertThat(lines)
        .as("seed %d", seed)
        .filteredOn(line -> line.what().equals("matmul"))
        .allMatch(line -> line.error() > 0 && line.error() <= 1 && line.nanos() > 0);
  }

  @Test
  void isFoundOutIfAKernelIsWrong() {
    assertThat(check(new WrongDevice(SimulatedGpu.open(), "attention"))).isFalse();
    assertThat(lines)
        .as("seed %d", seed)
        .allMatch(line -> line.passed() != line.what().equals("attention"));
  }

  @Test
  void isCheckedToTheEndWhenItIsLost() {
    SimulatedGpu.reset().failCopy(5);
    assertThat(check(SimulatedGpu.open())).isFalse();
    SimulatedGpu.reset();
    // The first needs fewer copies.
    assertThat(lines.subList(1, lines.size()))
        .as("seed %d", seed)
        .hasSizeGreaterThan(20)
        .noneMatch(CheckLine::passed);
    assertThat(lines.getLast().problem()).contains("ILLEGAL_ADDRESS");
  }
}
