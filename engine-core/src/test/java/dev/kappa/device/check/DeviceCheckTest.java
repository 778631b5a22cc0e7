package dev.kappa.device.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeviceCheckTest {

  private final long seed = Long.getLong("kappa.test.seed", 20261126);
  private final Device reference = Devices.open("cpu", 1).device();
  private final List<CheckLine> lines = new ArrayList<>();

  @AfterEach
  void close() {
    assertThat(reference.allocatedBytes()).isZero();
    reference.close();
  }

  private boolean check(Device device) {
    try (device) {
      boolean passed = DeviceCheck.run(device, reference, Extent.QUICK, seed, lines::add);
      assertThat(device.allocatedBytes()).as("bytes leaked, seed %d", seed).isZero();
      return passed;
    }
  }

  @Test
  void approvesOfADeviceThatComputesTheSame() {
    assertThat(check(Devices.open("cpu", 2).device())).as("seed %d: %s", seed, lines).isTrue();
    assertThat(lines)
        .as("seed %d", seed)
        .allMatch(CheckLine::passed)
        .allMatch(line -> line.error() == 0 && line.tolerance() == 0 && line.nanos() > 0)
        .extracting(CheckLine::what)
        .contains(
            "embed",
            "rmsNorm",
            "addRmsNorm",
            "matmul",
            "logits",
            "ropeStore",
            "attention",
            "attentionSpan",
            "softcap",
            "gate",
            "route",
            "experts",
            "gatherOutputs",
            "argmax",
            "host to device",
            "device to host");
  }

  @ParameterizedTest
  @CsvSource({
    "embed,embed",
    "addRmsNorm,addRmsNorm",
    "matmul,matmul",
    "ropeStore,ropeStore",
    "attentionResult,attentionSpan",
    "gate,gate",
    "route,route",
    "experts,experts",
    "argmax,argmax"
  })
  void namesTheKernelThatIsWrong(String wrong, String line) {
    assertThat(check(new WrongDevice(Devices.open("cpu", 2).device(), wrong))).isFalse();
    assertThat(lines)
        .as("seed %d", seed)
        .allMatch(one -> one.passed() != one.what().equals(line))
        .filteredOn(one -> !one.passed())
        .allMatch(one -> one.problem().startsWith("element 0 is ") && one.error() > 1);
  }
}
