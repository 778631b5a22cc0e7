package dev.kappa.kv.transfer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Memory;
import dev.kappa.device.Stream;
import dev.kappa.device.WrappedDevice;
import dev.kappa.device.virtual.VirtualDevice;
import dev.kappa.roofline.HardwareProfile;
import org.junit.jupiter.api.Test;

/** What is taken for the rate of a link of 1 GB/s, in virtual time. */
class CalibrationTest {

  private static final double RATE = 1e9;
  private static final long FIRST = 4096;
  private static final long MIB = 1 << 20;

  /** Takes the link 5 ms. */
  private static final long OTHERS = 5_000_000;

  /** A device on which something else comes before so many of five copies. */
  private static Device busy(int late) {
    HardwareProfile profile = new HardwareProfile("virtual", 1e14, RATE, RATE, 1e12, 0, 0);
    return new WrappedDevice(new VirtualDevice(profile, 1)) {
      @Override
      protected WrappedStream wrap(String name, Stream stream) {
        return new WrappedStream(stream) {
          private int copies;

          @Override
          protected void beforeCopy(Memory target, Memory source) {
            if (copies++ % 5 < late) {
              stream.copy(target, 0, source, 0, OTHERS);
            }
          }
        };
      }
    };
  }

  private static double measured(int late) {
    try (Device device = busy(late);
        Stream stream = device.newStream("test");
        HostMemory host = device.allocateHost(32 * MIB);
        DeviceMemory memory = device.allocate(32 * MIB)) {
      return Calibration.measure(device, stream, memory, host, FIRST);
    }
  }

  @Test
  void theRateOfACopyThatIsLongEnough() {
    assertThat(measured(0) / RATE).isBetween(0.99, 1.01);
  }

  @Test
  void copiesThatComeLateNowAndThenChangeNothing() {
    assertThat(measured(2) / RATE).isBetween(0.99, 1.01);
  }

  /** Of small ones, which take 4 µs, this would be a thousandth of the rate. */
  @Test
  void ofLateCopiesNoSmallOneIsTakenForALongOne() {
    assertThat(measured(3) / RATE).isBetween(0.4, 1.01);
  }
}
