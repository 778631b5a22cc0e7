package dev.kappa.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What every device does, whatever it is made of: kernels, exactness, attention over spans and
 * workers (inherited), memory, streams and events.
 */
@Timeout(300)
public abstract class DeviceContractTest extends WorkerContract {

  private static final int BYTES = 1 << 20;

  /**
   * Puts work on a stream that fails when it runs, past the checks at submission.
   *
   * @return false if the device has no way of failing on demand
   */
  protected abstract boolean submitFailure(Stream target);

  @Test
  void countsMemoryUntilClosed() {
    DeviceMemory memory = device.allocate(1000);
    HostMemory host = device.allocateHost(3 << 20);
    assertThat(device.allocatedBytes()).isGreaterThanOrEqualTo(1000 + (3 << 20));
    assertThat(memory.address() % 64).isZero();
    assertThat(host.address() % 4096).isZero();
    assertThat(host.segment().byteSize()).isEqualTo(3 << 20);
    memory.slice(10, 20).close();
    assertThat(memory.address()).isNotZero();
    memory.close();
    memory.close();
    host.close();
    host.close();
    assertThat(device.allocatedBytes()).isZero();
  }

  @Test
  void refusesMoreMemoryThanThereIs() {
    long free = device.freeBytes();
    assertThat(free).isPositive();
    assertThatThrownBy(() -> device.allocate(1L << 50))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining(Long.toString(1L << 50));
    assertThat(device.allocatedBytes()).isZero();
  }

  @Test
  void refusesMemoryThatIsClosed() {
    DeviceMemory closed = device.allocate(64);
    DeviceMemory slice = closed.slice(0, 32);
    closed.close();
    DeviceMemory other = own(device.allocate(64));
    assertThatThrownBy(() -> stream.copy(other, 0, closed, 0, 64))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> stream.copy(other, 0, slice, 0, 32))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void refusesRangesOutsideMemory() {
    DeviceMemory memory = own(device.allocate(64));
    HostMemory host = own(device.allocateHost(64));
    assertThatThrownBy(() -> memory.slice(60, 5)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> stream.copy(memory, 1, host, 0, 64))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageContaining("target: range [1, +64) leaves memory of 64 bytes");
    assertThatThrownBy(() -> stream.copy2d(memory, 0, 16, host, 0, 17, 16, 4))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageContaining("copy2d: source");
    assertThatThrownBy(() -> stream.copy2d(memory, 0, 15, host, 0, 16, 16, 2))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageContaining("overlap at pitches 15 and 16");
    assertThatThrownBy(
            () -> device.kernels().rmsNorm(stream, memory, memory, 3, 100, 1e-5f, memory))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageContaining("rmsNorm: in");
    stream.synchronize();
  }

  @Test
  void copiesBetweenHostAndDevice() {
    HostMemory source = own(device.allocateHost(BYTES));
    HostMemory back = own(device.allocateHost(BYTES));
    DeviceMemory memory = own(device.allocate(BYTES));
    fill(source);
    back.segment().fill((byte) 0);
    stream.copy(memory, 0, source, 0, BYTES);
    stream.copy(back, 1000, memory.slice(1000, 5000), 0, 5000);
    stream.synchronize();
    assertThat(back.segment().asSlice(1000, 5000).mismatch(source.segment().asSlice(1000, 5000)))
        .isEqualTo(-1);
    assertThat(back.segment().get(ValueLayout.JAVA_BYTE, 999)).isZero();
    assertThat(back.segment().get(ValueLayout.JAVA_BYTE, 6000)).isZero();
  }

  @Test
  void copiesRowsAPitchApart() {
    HostMemory source = own(device.allocateHost(4096));
    HostMemory back = own(device.allocateHost(4096));
    DeviceMemory memory = own(device.allocate(4096));
    fill(source);
    back.segment().fill((byte) 0);
    stream.copy2d(memory, 64, 300, source, 7, 401, 256, 5);
    stream.copy2d(back, 0, 256, memory, 64, 300, 256, 5);
    stream.synchronize();
    for (int row = 0; row < 5; row++) {
      MemorySegment expected = source.segment().asSlice(7 + row * 401L, 256);
      assertThat(back.segment().asSlice(row * 256L, 256).mismatch(expected)).isEqualTo(-1);
    }
    assertThat(back.segment().get(ValueLayout.JAVA_BYTE, 5 * 256)).isZero();
  }

  @Test
  void copiesASingleRowWhateverItsPitch() {
    HostMemory source = own(device.allocateHost(256));
    HostMemory back = own(device.allocateHost(256));
    DeviceMemory memory = own(device.allocate(256));
    fill(source);
    stream.copy2d(memory, 0, 0, source, 0, 0, 256, 1);
    stream.copy2d(back, 0, 16, memory, 0, 300, 256, 1);
    stream.synchronize();
    assertThat(back.segment().mismatch(source.segment())).isEqualTo(-1);
  }

  @Test
  void copiesMemoryThatIsNotPinned() {
    // Larger than what a device may copy it through, and by rows that do not divide that.
    int width = 3000;
    int rows = 1500;
    HostMemory source = own(device.allocateUnpinned(5L << 20));
    HostMemory back = own(device.allocateUnpinned(5L << 20));
    HostMemory pinned = own(device.allocateHost(5L << 20));
    DeviceMemory memory = own(device.allocate(5L << 20));
    fill(source);
    stream.copy(memory, 7, source, 0, source.bytes() - 7);
    stream.copy(back, 0, memory, 7, back.bytes() - 7);
    stream.copy(pinned, 0, back, 0, pinned.bytes());
    stream.synchronize();
    long length = source.bytes() - 7;
    assertThat(back.segment().asSlice(0, length).mismatch(source.segment().asSlice(0, length)))
        .isEqualTo(-1);
    assertThat(pinned.segment().mismatch(back.segment())).isEqualTo(-1);
    stream.copy2d(memory, 3, width, source, 11, width + 401, width, rows);
    stream.copy2d(back, 0, width + 300, memory, 3, width, width, rows);
    stream.synchronize();
    for (int row = 0; row < rows; row++) {
      MemorySegment expected = source.segment().asSlice(11 + row * (width + 401L), width);
      assertThat(back.segment().asSlice(row * (width + 300L), width).mismatch(expected))
          .isEqualTo(-1);
    }
  }

  @Test
  void copiesMemoryThatIsNotPinnedWithoutHoldingUpTheCaller() throws Exception {
    CountDownLatch latch = new CountDownLatch(1);
    HostMemory source = own(device.allocateUnpinned(BYTES));
    HostMemory back = own(device.allocateUnpinned(BYTES));
    DeviceMemory memory = own(device.allocate(BYTES));
    Event copied = own(device.newEvent());
    back.segment().fill((byte) 0);
    try {
      if (!submitWait(stream, latch)) {
        return;
      }
      stream.copy(memory, 0, source, 0, BYTES);
      stream.copy(back, 0, memory, 0, BYTES);
      stream.record(copied);
      assertThat(copied.isComplete()).isFalse();
      // The copy reads what is there when its turn has come.
      fill(source);
    } finally {
      latch.countDown();
    }
    copied.synchronize();
    assertThat(back.segment().mismatch(source.segment())).isEqualTo(-1);
  }

  private void fill(HostMemory memory) {
    byte[] bytes = new byte[Math.toIntExact(memory.bytes())];
    random.nextBytes(bytes);
    memory.segment().copyFrom(MemorySegment.ofArray(bytes));
  }

  @Test
  void completesEventsInOrderWithTimes() {
    HostMemory source = own(device.allocateHost(BYTES));
    DeviceMemory memory = own(device.allocate(BYTES));
    Event before = own(device.newEvent());
    Event after = own(device.newEvent());
    assertThat(before.isComplete()).isTrue();
    assertThatThrownBy(before::completedNanos).isInstanceOf(IllegalStateException.class);
    stream.record(before);
    stream.copy(memory, 0, source, 0, BYTES);
    stream.record(after);
    after.synchronize();
    assertThat(before.isComplete()).isTrue();
    assertThat(after.isComplete()).isTrue();
    assertThat(after.completedNanos()).isGreaterThanOrEqualTo(before.completedNanos());
  }

  @Test
  void waitsForTheRecordingMadeBeforeTheWait() throws Exception {
    CountDownLatch first = new CountDownLatch(1);
    CountDownLatch second = new CountDownLatch(1);
    Event event = own(device.newEvent());
    Event passed = own(device.newEvent());
    try (Stream producer = device.newStream("producer")) {
      if (!submitWait(producer, first)) {
        return;
      }
      producer.record(event);
      stream.await(event);
      stream.record(passed);
      submitWait(producer, second);
      producer.record(event);
      Thread.sleep(20);
      assertThat(passed.isComplete()).isFalse();
      assertThatThrownBy(passed::completedNanos).isInstanceOf(IllegalStateException.class);
      first.countDown();
      passed.synchronize();
      assertThat(event.isComplete()).as("the later recording").isFalse();
      second.countDown();
      event.synchronize();
    } finally {
      first.countDown();
      second.countDown();
    }
  }

  @Test
  void doesNotWaitForAnEventNeverRecorded() {
    stream.await(own(device.newEvent()));
    stream.synchronize();
  }

  @Test
  void ordersStreamsByEvents() {
    int rounds = 50;
    HostMemory source = own(device.allocateHost(BYTES));
    HostMemory back = own(device.allocateHost(BYTES));
    DeviceMemory memory = own(device.allocate(BYTES));
    Event loaded = own(device.newEvent());
    Event stored = own(device.newEvent());
    try (Stream other = device.newStream("other")) {
      for (int i = 0; i < rounds; i++) {
        source.segment().fill((byte) i);
        stream.await(stored);
        stream.copy(memory, 0, source, 0, BYTES);
        stream.record(loaded);
        other.await(loaded);
        other.copy(back, 0, memory, 0, BYTES);
        other.record(stored);
        stored.synchronize();
        assertThat(back.segment().mismatch(source.segment())).isEqualTo(-1);
      }
    }
  }

  @Test
  void failsStickilyAndLetsNobodyHang() throws Exception {
    Event after = own(device.newEvent());
    Event passed = own(device.newEvent());
    Stream broken = device.newStream("broken");
    Stream waiting = device.newStream("waiting");
    try {
      if (!submitFailure(broken)) {
        return;
      }
      broken.record(after);
      waiting.await(after);
      waiting.record(passed);
      assertThatThrownBy(after::synchronize).isInstanceOf(DeviceException.class);
      assertThatThrownBy(after::isComplete).isInstanceOf(DeviceException.class);
      assertThatThrownBy(broken::synchronize).isInstanceOf(DeviceException.class);
      assertThatThrownBy(broken::synchronize).isInstanceOf(DeviceException.class);
      assertThatThrownBy(passed::synchronize).isInstanceOf(DeviceException.class);
      assertThatThrownBy(waiting::synchronize).isInstanceOf(DeviceException.class);
      stream.synchronize();
    } finally {
      broken.close();
      waiting.close();
    }
  }

  @Test
  void skipsWorkAfterAFailure() {
    HostMemory source = own(device.allocateHost(64));
    HostMemory target = own(device.allocateHost(64));
    source.segment().fill((byte) 1);
    target.segment().fill((byte) 0);
    Stream broken = device.newStream("broken");
    try {
      if (!submitFailure(broken)) {
        return;
      }
      broken.copy(target, 0, source, 0, 64);
      assertThatThrownBy(broken::synchronize).isInstanceOf(DeviceException.class);
      assertThat(target.segment().get(ValueLayout.JAVA_BYTE, 0)).isZero();
    } finally {
      broken.close();
    }
  }

  @Test
  void finishesItsWorkWhenClosed() throws Exception {
    CountDownLatch latch = new CountDownLatch(1);
    Event event = own(device.newEvent());
    Stream closing = device.newStream("closing");
    if (!submitWait(closing, latch)) {
      closing.close();
      return;
    }
    closing.record(event);
    Thread closer = Thread.ofPlatform().start(closing::close);
    assertThat(closer.join(java.time.Duration.ofMillis(30))).isFalse();
    latch.countDown();
    closer.join(TimeUnit.SECONDS.toMillis(30));
    assertThat(event.isComplete()).isTrue();
    closing.close();
    assertThatThrownBy(() -> closing.record(event)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void computesOnTwoStreamsAtOnce() {
    int columns = 256;
    Weight weight = loadWeight(DType.BF16, columns, randomFloats(512 * columns, 1f, DType.BF16));
    float[] in = randomActivations(30 * columns);
    DeviceMemory input = upload(in);
    DeviceMemory expected = poisonedBytes(4L * 30 * 512);
    device.kernels().logits(stream, input, 30, weight, expected);
    float[] alone = download(expected, 30 * 512, DType.F32);
    DeviceMemory first = poisonedBytes(4L * 30 * 512);
    DeviceMemory second = poisonedBytes(4L * 30 * 512);
    try (Stream other = device.newStream("other")) {
      for (int i = 0; i < 20; i++) {
        device.kernels().logits(stream, input, 30, weight, first);
        device.kernels().logits(other, input, 30, weight, second);
      }
      stream.synchronize();
      other.synchronize();
    }
    assertSameBits(download(first, 30 * 512, DType.F32), alone, "first stream");
    assertSameBits(download(second, 30 * 512, DType.F32), alone, "second stream");
  }

  @Test
  void refusesUseOfAClosedWeight() {
    Weight weight = loadWeight(DType.F32, 16, randomFloats(256, 1f, DType.F32));
    assertThat(weight.bytes()).isGreaterThanOrEqualTo(256L * weightType(DType.F32).bytes());
    assertThat(device.allocatedBytes()).isGreaterThanOrEqualTo(weight.bytes());
    weight.close();
    weight.close();
    DeviceMemory memory = poisoned(16);
    assertThatThrownBy(() -> device.kernels().matmul(stream, memory, 1, weight, memory))
        .isInstanceOf(IllegalStateException.class);
  }
}
