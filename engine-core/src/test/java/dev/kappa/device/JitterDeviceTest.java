package dev.kappa.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class JitterDeviceTest {

  private static final int ROUNDS = 100;
  private static final int BYTES = 4096;

  private final Device device =
      new JitterDevice(Devices.open("cpu", 2).device(), 20261124, 0.3, 2_000_000);

  @AfterEach
  void closeDevice() {
    assertThat(device.allocatedBytes()).isZero();
    device.close();
  }

  @Test
  void keepsTheOrderOfAStreamAndTheWaitsForEvents() {
    try (HostMemory source = device.allocateHost((long) ROUNDS * BYTES);
        HostMemory target = device.allocateHost((long) ROUNDS * BYTES);
        DeviceMemory slot = device.allocate(BYTES);
        Stream loads = device.newStream("loads");
        Stream stores = device.newStream("stores");
        Event loaded = device.newEvent();
        Event stored = device.newEvent()) {
      for (int i = 0; i < ROUNDS; i++) {
        source.segment().asSlice((long) i * BYTES, BYTES).fill((byte) i);
      }
      for (int i = 0; i < ROUNDS; i++) {
        long at = (long) i * BYTES;
        loads.await(stored);
        loads.copy(slot, 0, source, at, BYTES);
        loads.record(loaded);
        stores.await(loaded);
        stores.copy(target, at, slot, 0, BYTES);
        stores.record(stored);
      }
      stores.synchronize();
      loads.synchronize();
      assertThat(target.segment().mismatch(source.segment())).isEqualTo(-1);
    }
  }

  @Test
  void delaysWorkOnTheStreamAndNotItsCaller() {
    try (Device slow = new JitterDevice(Devices.open("cpu", 1).device(), 1, 1, 2_000_000);
        HostMemory host = slow.allocateHost(64);
        DeviceMemory memory = slow.allocate(64);
        Stream stream = slow.newStream("slow")) {
      long begin = System.nanoTime();
      for (int i = 0; i < 50; i++) {
        stream.copy(memory, 0, host, 0, 64);
      }
      stream.synchronize();
      // Fifty delays of a millisecond on average.
      assertThat(System.nanoTime() - begin).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(25));
    }
  }

  @Test
  void runsKernelsAndReportsTheirFailures() {
    try (DeviceMemory logits = device.allocate(4 * 8);
        HostMemory host = device.allocateHost(4 * 8);
        HostMemory chosen = device.allocateHost(4)) {
      for (int i = 0; i < 8; i++) {
        host.segment().setAtIndex(ValueLayout.JAVA_FLOAT, i, i == 5 ? 2 : 1);
      }
      try (Stream stream = device.newStream("kernels")) {
        stream.copy(logits, 0, host, 0, 4 * 8);
        device.kernels().argmax(stream, logits, 1, 8, chosen);
        stream.synchronize();
        assertThat(chosen.segment().get(ValueLayout.JAVA_INT, 0)).isEqualTo(5);
        assertThatThrownBy(() -> device.kernels().argmax(stream, logits, 2, 8, chosen))
            .isInstanceOf(IndexOutOfBoundsException.class);
        try (DeviceMemory state = device.allocate(1 << 16);
            Batch batch = new Batch(device, 1, 1, 1)) {
          batch.clear();
          batch.beginSequence(1);
          batch.addRow(0, 0);
          AttentionShape shape = new AttentionShape(1, 1, 16, 1f);
          device.kernels().attentionResult(stream, batch, shape, state, state);
          assertThatThrownBy(stream::synchronize).isInstanceOf(DeviceException.class);
        }
      }
    }
  }
}
