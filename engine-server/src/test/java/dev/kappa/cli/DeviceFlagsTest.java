package dev.kappa.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Stream;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class DeviceFlagsTest {

  @Test
  void throttleTheLink() {
    DeviceFlags flags = new DeviceFlags();
    new CommandLine(CommandLine.Model.CommandSpec.create().addMixin("device", mixin(flags)))
        .parseArgs("--device", "cpu", "--link-bandwidth", "1MB/s");
    int bytes = 200_000;
    try (Device device = flags.open().device();
        DeviceMemory target = device.allocate(bytes);
        HostMemory source = device.allocateHost(bytes);
        Stream stream = device.newStream("copies")) {
      long begun = System.nanoTime();
      stream.copy(target, 0, source, 0, bytes);
      stream.synchronize();
      // A busy machine takes longer; none may take less.
      assertThat(Duration.ofNanos(System.nanoTime() - begun))
          .isGreaterThanOrEqualTo(Duration.ofMillis(200));
    }
  }

  private static CommandLine.Model.CommandSpec mixin(DeviceFlags flags) {
    return CommandLine.Model.CommandSpec.forAnnotatedObject(flags);
  }
}
