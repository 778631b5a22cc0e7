package dev.kappa.device.virtual;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.Activation;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Event;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Stream;
import dev.kappa.roofline.HardwareProfile;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

/** A virtual device with round numbers. */
abstract class VirtualFixture {

  /** 1000 FLOPs, 1 byte up, 2 bytes down and 100 bytes of device memory in a nanosecond. */
  static final HardwareProfile HARDWARE = new HardwareProfile("test", 1e12, 1e9, 2e9, 1e11, 10, 5);

  static final int MIB = 1 << 20;

  VirtualDevice device = new VirtualDevice(HARDWARE, 1);
  private final List<AutoCloseable> owned = new ArrayList<>();
  final Stream stream = own(device.newStream("test"));
  final HostMemory host = own(device.allocateHost(MIB));
  final DeviceMemory memory = own(device.allocate(MIB));

  @AfterEach
  void nothingLeaks() throws Exception {
    for (AutoCloseable resource : owned.reversed()) {
      resource.close();
    }
    assertThat(device.allocatedBytes()).as("bytes leaked").isZero();
    device.close();
  }

  <T extends AutoCloseable> T own(T resource) {
    owned.add(resource);
    return resource;
  }

  long now() {
    return device.clock().nanos();
  }

  /** Brings bytes to the device: 5 ns and one for each. */
  void load(Stream on, long bytes) {
    on.copy(memory, 0, host, 0, bytes);
  }

  /** Brings bytes to the host: 5 ns and half a one for each. */
  void store(Stream on, long bytes) {
    on.copy(host, 0, memory, 0, bytes);
  }

  /** A kernel of 10 ns and one for each hundred bytes moved. */
  void compute(Stream on, int rows, int columns) {
    device.kernels().gate(on, Activation.SILU, memory, rows, columns, memory);
  }

  Event recorded(Stream on) {
    Event event = own(device.newEvent());
    on.record(event);
    return event;
  }

  /** Nanoseconds that the work put on the stream takes, alone. */
  long timeOf(Runnable work) {
    stream.synchronize();
    long start = now();
    work.run();
    stream.synchronize();
    return now() - start;
  }
}
