package dev.kappa.device.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.DeviceOptions;
import dev.kappa.device.Devices;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Stream;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class LinkTest {

  private static final long MIB = 1 << 20;

  /** A bandwidth that no slice divides. */
  private static final long BANDWIDTH = 20_000_003;

  @Test
  void takesTheTimeOfItsBandwidthToTheNanosecond() {
    Link link = new Link(BANDWIDTH);
    long begin = System.nanoTime() + TimeUnit.HOURS.toNanos(1);
    Random random = new Random(1);
    long arrived = begin;
    long bytes = 0;
    while (bytes < 100 * BANDWIDTH) {
      long slice = 1 + random.nextLong(link.slice());
      arrived = link.take(arrived, slice);
      bytes += slice;
    }
    double nanos = bytes * 1e9 / BANDWIDTH;
    assertThat((double) (arrived - begin)).isBetween(nanos - 2, nanos + 2);
  }

  @Test
  void sharesByTurnsAndGivesNoCreditForIdleTime() {
    Link link = new Link(1_000_000_000);
    long begin = System.nanoTime() + TimeUnit.HOURS.toNanos(1);
    assertThat(link.slice()).isEqualTo(1_000_000);
    assertThat(link.take(begin, 1000)).isEqualTo(begin + 1000);
    assertThat(link.take(begin, 1000)).as("another stream's").isEqualTo(begin + 2000);
    assertThat(link.take(begin + 1000, 500)).isEqualTo(begin + 2500);
    assertThat(link.take(begin + 10_000, 500)).as("after a pause").isEqualTo(begin + 10_500);
  }

  @Test
  void liesBetweenHostAndDeviceOnly() {
    try (Device device = Devices.open("cpu", 1).device();
        HostMemory host = device.allocateHost(64);
        DeviceMemory memory = device.allocate(64)) {
      Links links = Links.of(1000);
      assertThat(links.between(memory, host)).isNotNull().isSameAs(links.toDevice());
      assertThat(links.between(memory.slice(0, 8), host)).isSameAs(links.toDevice());
      assertThat(links.between(host, memory)).isNotNull().isNotSameAs(links.toDevice());
      assertThat(links.between(host, host)).isNull();
      assertThat(links.between(memory, memory)).isNull();
      assertThat(Links.of(0).between(memory, host)).isNull();
      assertThatThrownBy(() -> Links.of(-1)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void throttlesLargeAndSmallCopiesAlike() {
    try (Device device = Devices.open("cpu", new DeviceOptions(0, 1, BANDWIDTH, false)).device();
        Stream stream = device.newStream("copies");
        HostMemory host = device.allocateHost(4 * MIB);
        DeviceMemory memory = device.allocate(4 * MIB)) {
      assertTakesItsTime(
          4 * MIB,
          () -> {
            stream.copy(memory, 0, host, 0, 4 * MIB);
            stream.synchronize();
          });
      assertTakesItsTime(
          4_000_000,
          () -> {
            for (int i = 0; i < 400; i++) {
              stream.copy(host, i * 10_000L, memory, i * 10_000L, 10_000);
            }
            stream.synchronize();
          });
      assertTakesItsTime(
          1_500_000,
          () -> {
            stream.copy2d(memory, 0, 2000, host, 0, 4000, 1500, 1000);
            stream.synchronize();
          });
    }
  }

  @Test
  void isSharedByTheStreamsOfADevice() {
    try (Device device = Devices.open("cpu", new DeviceOptions(0, 1, BANDWIDTH, false)).device();
        Stream one = device.newStream("one");
        Stream two = device.newStream("two");
        HostMemory host = device.allocateHost(4 * MIB);
        DeviceMemory memory = device.allocate(4 * MIB)) {
      assertTakesItsTime(
          4 * MIB,
          () -> {
            one.copy(memory, 0, host, 0, 2 * MIB);
            two.copy(memory, 2 * MIB, host, 2 * MIB, 2 * MIB);
            one.synchronize();
            two.synchronize();
          });
    }
  }

  @Test
  void bringsTheSameBytes() {
    try (Device device = Devices.open("cpu", new DeviceOptions(0, 1, 50 * MIB, false)).device();
        Stream stream = device.newStream("copies");
        HostMemory host = device.allocateHost(MIB);
        HostMemory back = device.allocateHost(MIB);
        DeviceMemory memory = device.allocate(MIB)) {
      byte[] bytes = new byte[(int) MIB];
      new Random(2).nextBytes(bytes);
      host.segment().copyFrom(java.lang.foreign.MemorySegment.ofArray(bytes));
      stream.copy2d(memory, 5, 3001, host, 7, 2501, 2477, 300);
      stream.copy2d(back, 7, 2501, memory, 5, 3001, 2477, 300);
      stream.synchronize();
      for (int row = 0; row < 300; row++) {
        long at = 7 + row * 2501L;
        assertThat(back.segment().asSlice(at, 2477).mismatch(host.segment().asSlice(at, 2477)))
            .isEqualTo(-1);
      }
    }
  }

  /**
   * Never less than the time that the bytes should take, and not much more, but for the attempts
   * that a busy machine holds up.
   */
  private static void assertTakesItsTime(long bytes, Runnable copies) {
    double ratio = Double.MAX_VALUE;
    for (int attempt = 0; attempt < 5 && ratio > 20; attempt++) {
      long begin = System.nanoTime();
      copies.run();
      ratio = (System.nanoTime() - begin) / (bytes * 1e9 / BANDWIDTH);
      assertThat(ratio).isGreaterThan(0.98);
    }
    assertThat(ratio).isLessThan(20);
  }
}
