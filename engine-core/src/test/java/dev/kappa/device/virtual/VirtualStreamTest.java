package dev.kappa.device.virtual;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.DeviceException;
import dev.kappa.device.Event;
import dev.kappa.device.Stream;
import dev.kappa.device.Worker;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class VirtualStreamTest extends VirtualFixture {

  private final Stream other = own(device.newStream("other"));

  @Test
  void runsInOrderAndTakesNoTimeUntilDriven() {
    load(stream, 100);
    Event first = recorded(stream);
    load(stream, 200);
    Event second = recorded(stream);
    assertThat(first.isComplete()).isFalse();
    assertThat(now()).isZero();
    assertThatThrownBy(first::completedNanos).isInstanceOf(IllegalStateException.class);

    first.synchronize();
    assertThat(now()).isEqualTo(105);
    assertThat(second.isComplete()).isFalse();
    stream.synchronize();
    assertThat(first.completedNanos()).isEqualTo(105);
    assertThat(second.completedNanos()).isEqualTo(310);
    assertThat(now()).isEqualTo(310);
  }

  @Test
  void waitsForTheRecordingMadeBeforeTheWait() {
    Event event = own(device.newEvent());
    device.delay(other, 100);
    other.record(event);
    stream.await(event);
    Event passed = recorded(stream);
    device.delay(other, 1000);
    other.record(event);

    passed.synchronize();
    assertThat(passed.completedNanos()).isEqualTo(100);
    assertThat(event.isComplete()).as("the later recording").isFalse();
    event.synchronize();
    assertThat(event.completedNanos()).isEqualTo(1100);
  }

  @Test
  void doesNotWaitForAnEventNeverRecorded() {
    Event never = own(device.newEvent());
    assertThat(never.isComplete()).isTrue();
    never.synchronize();
    assertThatThrownBy(never::completedNanos).isInstanceOf(IllegalStateException.class);
    stream.await(never);
    stream.synchronize();
    assertThat(now()).isZero();
  }

  @Test
  void ordersStreamsByEvents() {
    Event loaded = own(device.newEvent());
    Event stored = own(device.newEvent());
    for (int i = 0; i < 50; i++) {
      stream.await(stored);
      load(stream, 100);
      stream.record(loaded);
      other.await(loaded);
      store(other, 100);
      other.record(stored);
    }
    device.run();
    assertThat(stored.completedNanos()).as("one after the other").isEqualTo(50 * (105 + 55));
  }

  @Test
  void signalsAWorkerOnceTheWorkBeforeIsDone() {
    List<Long> runs = new ArrayList<>();
    Worker worker =
        own(
            device.newWorker(
                "test",
                () -> {
                  runs.add(now());
                  return Worker.WHEN_SIGNALLED;
                }));
    load(stream, 100);
    stream.signal(worker);
    load(stream, 100);
    stream.signal(worker);
    device.run();
    assertThat(runs).containsExactly(105L, 210L);
  }

  @Test
  void failsStickilyAndLetsNobodyHang() {
    Stream broken = own(device.newStream("broken"));
    device.delay(broken, 50);
    device.fail(broken, "on purpose");
    load(broken, 1000);
    Event after = recorded(broken);
    other.await(after);
    Event passed = recorded(other);
    assertThatThrownBy(after::synchronize)
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("on purpose");
    assertThat(now()).as("work after the failure is skipped").isEqualTo(50);
    assertThatThrownBy(after::isComplete).isInstanceOf(DeviceException.class);
    assertThatThrownBy(after::completedNanos).isInstanceOf(DeviceException.class);
    assertThatThrownBy(broken::synchronize).isInstanceOf(DeviceException.class);
    assertThatThrownBy(broken::synchronize).isInstanceOf(DeviceException.class);
    assertThatThrownBy(passed::synchronize).isInstanceOf(DeviceException.class);
    assertThatThrownBy(other::synchronize).isInstanceOf(DeviceException.class);
    stream.synchronize();
  }

  @Test
  void finishesItsWorkWhenClosed() {
    Stream closing = device.newStream("closing");
    load(closing, 100);
    Event event = recorded(closing);
    closing.close();
    assertThat(event.completedNanos()).isEqualTo(105);
    closing.close();
    assertThatThrownBy(() -> closing.record(event)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void refusesRangesOutsideMemoryAndRowsThatOverlap() {
    assertThatThrownBy(() -> stream.copy(memory, 1, host, 0, MIB))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> stream.copy2d(memory, 0, MIB / 2, host, 0, MIB / 2 + 1, MIB / 2, 2))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> stream.copy2d(memory, 0, 15, host, 0, 16, 16, 4))
        .isInstanceOf(IndexOutOfBoundsException.class);
    stream.synchronize();
    assertThat(now()).isZero();
  }

  @Test
  void saysSoWhenNothingIsLeftThatCouldEndAWait() {
    Event event = own(device.newEvent());
    // No caller can make one: a recording that its stream never reaches.
    VirtualEvent.Recording never = VirtualEvent.of(event).startRecording();
    stream.await(event);
    assertThatThrownBy(stream::synchronize)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("deadlock")
        .hasMessageContaining("stream test");
    never.complete(now(), null);
    stream.synchronize();
  }
}
