package dev.kappa.device.virtual;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.Event;
import dev.kappa.device.Stream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class VirtualTimeTest extends VirtualFixture {

  private final Stream other = own(device.newStream("other"));
  private final Stream third = own(device.newStream("third"));

  @Test
  void copiesTakeTheirLatencyAndTheRateOfTheirDirection() {
    assertThat(timeOf(() -> load(stream, 1000))).isEqualTo(5 + 1000);
    assertThat(timeOf(() -> store(stream, 1000))).isEqualTo(5 + 500);
    assertThat(timeOf(() -> stream.copy(memory, 0, memory, 5000, 1000)))
        .as("read and written")
        .isEqualTo(5 + 20);
    assertThat(timeOf(() -> stream.copy2d(memory, 0, 30, host, 0, 25, 20, 50)))
        .as("without a price for rows")
        .isEqualTo(5 + 1000);
  }

  @Test
  void rowsOfA2dCopyHaveTheirPrice() throws Exception {
    VirtualOptions options = VirtualOptions.defaults().withCopyRowNanos(2.5);
    try (VirtualDevice rows = new VirtualDevice(HARDWARE, options, 1);
        Stream copies = rows.newStream("copies");
        var up = rows.allocateHost(MIB);
        var down = rows.allocate(MIB)) {
      copies.copy2d(down, 0, 30, up, 0, 25, 20, 50);
      copies.synchronize();
      assertThat(rows.clock().nanos()).isEqualTo(5 + 1000 + 125);
      copies.copy(down, 0, up, 0, 1000);
      copies.synchronize();
      assertThat(rows.clock().nanos()).as("one piece has none").isEqualTo(1130 + 1005);
    }
  }

  @Test
  void copiesOfOneDirectionQueueInTheOrderInWhichTheyAreReady() {
    device.delay(stream, 10);
    load(stream, 100);
    Event last = recorded(stream);
    load(other, 200);
    Event first = recorded(other);
    device.delay(third, 5);
    load(third, 300);
    Event second = recorded(third);
    device.run();
    assertThat(first.completedNanos()).isEqualTo(205);
    assertThat(second.completedNanos()).isEqualTo(205 + 305);
    assertThat(last.completedNanos()).isEqualTo(205 + 305 + 105);
  }

  @Test
  void directionsAndProcessorWorkAtTheSameTime() {
    load(stream, 1000);
    store(other, 1000);
    compute(third, 1000, 10);
    Event loaded = recorded(stream);
    Event stored = recorded(other);
    Event computed = recorded(third);
    device.run();
    assertThat(loaded.completedNanos()).isEqualTo(1005);
    assertThat(stored.completedNanos()).isEqualTo(505);
    assertThat(computed.completedNanos()).isEqualTo(10 + 3 * 1000 * 10 * 2 / 100);
    assertThat(now()).as("the longest, not the sum").isEqualTo(1005);
  }

  @Test
  void pipelinesLoadsUnderComputeLayerByLayer() {
    // Four layers: each loads for 205 ns, computes for 610 ns, and needs its load.
    for (int layer = 0; layer < 4; layer++) {
      load(other, 200);
      stream.await(recorded(other));
      compute(stream, 1000, 10);
    }
    stream.synchronize();
    assertThat(now()).as("one load stands out").isEqualTo(205 + 4 * 610);
  }

  @Test
  void kernelsOfTwoStreamsShareTheProcessor() {
    compute(stream, 1000, 10);
    compute(other, 1000, 10);
    device.run();
    assertThat(now()).isEqualTo(2 * 610);
  }

  @Test
  void jitterDependsOnTheSeedAndKeepsWithinItsSpread() {
    VirtualOptions options = VirtualOptions.defaults().withJitter(0.2);
    List<Long> first = times(options, 1);
    assertThat(times(options, 1)).isEqualTo(first);
    assertThat(times(options, 2)).isNotEqualTo(first);
    List<Long> exact = times(VirtualOptions.defaults(), 1);
    assertThat(times(VirtualOptions.defaults(), 2)).isEqualTo(exact);
    for (int i = 0; i < exact.size(); i++) {
      assertThat(first.get(i))
          .isBetween((long) (exact.get(i) * 0.79), (long) (exact.get(i) * 1.21));
    }
    assertThat(first).isNotEqualTo(exact);
  }

  /** When the operations of a random program on one stream after the other are complete. */
  private static List<Long> times(VirtualOptions options, long seed) {
    Random random = new Random(3);
    List<Event> events = new ArrayList<>();
    try (VirtualDevice device = new VirtualDevice(HARDWARE, options, seed);
        var up = device.allocateHost(MIB);
        var down = device.allocate(MIB)) {
      List<Stream> streams = List.of(device.newStream("a"), device.newStream("b"));
      for (int i = 0; i < 200; i++) {
        Stream on = streams.get(random.nextInt(2));
        if (i > 0) {
          on.await(events.getLast());
        }
        on.copy(down, 0, up, 0, 1 + random.nextInt(10_000));
        events.add(device.newEvent());
        on.record(events.getLast());
      }
      device.run();
    }
    return events.stream().map(Event::completedNanos).toList();
  }

  @Test
  void actionsHappenAtTheirTimes() {
    List<Long> seen = new ArrayList<>();
    device.at(300, () -> seen.add(now()));
    device.at(100, () -> load(stream, 50));
    device.at(
        100,
        () -> {
          seen.add(now());
          device.at(50, () -> seen.add(now()));
        });
    device.runUntil(200);
    assertThat(now()).isEqualTo(200);
    assertThat(seen).as("a time that has passed means now").containsExactly(100L, 100L);
    device.run();
    assertThat(seen).containsExactly(100L, 100L, 300L);
    stream.synchronize();
    assertThat(now()).isEqualTo(300);
  }
}
