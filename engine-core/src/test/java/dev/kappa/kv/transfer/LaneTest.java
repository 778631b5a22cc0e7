package dev.kappa.kv.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Event;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Memory;
import dev.kappa.device.ScriptedDevice;
import dev.kappa.device.Stream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class LaneTest {

  /** More than a piece at the rate assumed first, 10 GB/s for 1 ms. */
  private static final long WIDTH = 6 << 20;

  private static final int ROWS = 8;

  private final ScriptedDevice device = ScriptedDevice.cpu(1);
  private final HostMemory host = device.allocateHost(ROWS * WIDTH);
  private final DeviceMemory memory = device.allocate(ROWS * WIDTH);
  private final Event after = device.newEvent();
  private final AtomicInteger progress = new AtomicInteger();
  private final Lane lane = new Lane(device, "test", progress::incrementAndGet);
  private final List<String> settled = new ArrayList<>();
  private final List<Long> copied = new CopyOnWriteArrayList<>();
  private final CountDownLatch gate = new CountDownLatch(1);

  @AfterEach
  void nothingLeaks() {
    gate.countDown();
    lane.close();
    host.close();
    memory.close();
    assertThat(device.allocatedBytes()).isZero();
    device.close();
  }

  private Rows rows(int from, int count) {
    return new Rows(memory, from * WIDTH, WIDTH, host, from * WIDTH, WIDTH, WIDTH, count);
  }

  private Transfer transfer(String name, long deadline, List<List<Rows>> groups) {
    return new Transfer(groups, after, deadline, done -> settled.add(name));
  }

  /** One group of so many rows. */
  private Transfer transfer(String name, long deadline, int from, int count) {
    return transfer(name, deadline, List.of(List.of(rows(from, count))));
  }

  /** Notes where copies start, in the order of submission. */
  private void watch() {
    device.follow(
        new ScriptedDevice.Script() {
          @Override
          public void beforeCopy(String stream, Memory target, Memory source) {
            copied.add(target.bytes());
          }
        });
  }

  private void refuse(int which) {
    AtomicInteger copies = new AtomicInteger();
    device.follow(
        new ScriptedDevice.Script() {
          @Override
          public void beforeCopy(String stream, Memory target, Memory source) {
            if (copies.getAndIncrement() == which) {
              throw ScriptedDevice.refusal();
            }
          }
        });
  }

  private static void await(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      Thread.onSpinWait();
    }
  }

  private void settleAll() {
    await(() -> {
      lane.settle();
      return lane.isIdle();
    });
  }

  @Test
  void copiesEveryByteAndTellsTheOwnerOnce() {
    for (int i = 0; i < ROWS; i++) {
      host.segment().asSlice(i * WIDTH, WIDTH).fill((byte) (i + 1));
    }
    Transfer transfer =
        transfer("all", 0, List.of(List.of(rows(0, 3), rows(3, 1)), List.of(rows(4, 4))));
    lane.submit(transfer);
    settleAll();
    assertThat(settled).containsExactly("all");
    assertThat(transfer.isComplete()).isTrue();
    assertThat(transfer.failure()).isNull();
    assertThat(transfer.doneNanos(0)).isLessThanOrEqualTo(transfer.doneNanos(1));
    assertThat(lane.bytes()).isEqualTo(ROWS * WIDTH);
    assertThat(lane.isDone(transfer, 1)).isTrue();
    assertThat(lane.nanosUntil(transfer, 1)).isZero();
    try (HostMemory back = device.allocateHost(ROWS * WIDTH);
        Stream stream = device.newStream("back")) {
      stream.copy(back, 0, memory, 0, ROWS * WIDTH);
      stream.synchronize();
      assertThat(back.segment().mismatch(host.segment())).isEqualTo(-1);
    }
  }

  /** A window of the long one is in flight; what comes after is the urgent one's. */
  @Test
  void anUrgentTransferOvertakesALongOneBetweenItsPieces() {
    device.hold("test", gate);
    Transfer slow = transfer("long", 1_000, 0, ROWS - 1);
    Transfer urgent = transfer("urgent", 10, ROWS - 1, 1);
    lane.submit(slow);
    await(() -> lane.nanosUntil(slow, 0) > 0 && slow.remaining() <= (ROWS - 6) * WIDTH);
    lane.submit(urgent);
    assertThat(slow.remaining()).isPositive();
    gate.countDown();
    settleAll();
    assertThat(settled).containsExactly("urgent", "long");
    assertThat(urgent.doneNanos(0)).isLessThan(slow.doneNanos(0));
  }

  @Test
  void keepsNoMoreThanAWindowInFlight() {
    watch();
    device.hold("test", gate);
    lane.submit(transfer("all", 0, 0, ROWS));
    // 3 ms at 10 GB/s are 30 MB: five rows of 6 MiB reach that.
    await(() -> copied.size() >= 5);
    java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
    assertThat(copied).hasSize(5);
    gate.countDown();
    settleAll();
    assertThat(copied).hasSize(ROWS);
  }

  @Test
  void aCancelledTransferThatWasNotBegunIsSettledAndNeverCopied() {
    device.hold("test", gate);
    lane.submit(transfer("first", 0, 0, 6));
    Transfer second = transfer("second", 1, 6, 1);
    lane.submit(second);
    lane.cancel(second);
    lane.cancel(second);
    lane.settle();
    assertThat(settled).containsExactly("second");
    assertThat(second.isComplete()).isFalse();
    assertThat(second.failure()).isNull();
    gate.countDown();
    settleAll();
    assertThat(lane.bytes()).isEqualTo(6 * WIDTH);
  }

  /** Its memory is still written to until then. */
  @Test
  void aCancelledTransferInFlightIsSettledOnceItsPiecesAreDone() {
    device.hold("test", gate);
    Transfer transfer = transfer("cut", 0, 0, ROWS);
    lane.submit(transfer);
    await(() -> transfer.remaining() < ROWS * WIDTH);
    lane.cancel(transfer);
    lane.settle();
    assertThat(settled).isEmpty();
    assertThat(lane.isIdle()).isFalse();
    gate.countDown();
    settleAll();
    assertThat(settled).containsExactly("cut");
    assertThat(transfer.isComplete()).isFalse();
    assertThat(lane.bytes()).isLessThan(ROWS * WIDTH);
  }

  /** Those who sleep until there is progress must hear of it. */
  @Test
  void whatIsCancelledOrRefusedIsProgress() {
    device.hold("test", gate);
    lane.submit(transfer("first", 0, 0, 6));
    Transfer second = transfer("second", 1, 6, 1);
    lane.submit(second);
    await(() -> progress.get() == 0 && second.remaining() > 0);
    lane.cancel(second);
    await(() -> progress.get() > 0);
    refuse(0);
    Transfer third = transfer("third", 2, 7, 1);
    lane.submit(third);
    int before = progress.get();
    lane.flush(third);
    await(() -> progress.get() > before);
  }

  @Test
  void aFlushedTransferCanBeAwaitedAsAWhole() {
    device.hold("test", gate);
    Transfer transfer = transfer("all", 0, List.of(List.of(rows(0, 7)), List.of(rows(7, 1))));
    lane.submit(transfer);
    assertThat(lane.flush(transfer)).isTrue();
    try (Stream waiting = device.newStream("waiting")) {
      lane.await(transfer, 0, waiting);
      lane.await(transfer, 1, waiting);
      gate.countDown();
      waiting.synchronize();
      lane.settle();
      assertThat(transfer.isComplete()).isTrue();
    }
  }

  @Test
  void whatWasNotSubmittedCannotBeAwaited() {
    device.hold("test", gate);
    Transfer transfer = transfer("all", 0, List.of(List.of(rows(0, 7)), List.of(rows(7, 1))));
    lane.submit(transfer);
    try (Stream waiting = device.newStream("waiting")) {
      assertThatThrownBy(() -> lane.await(transfer, 1, waiting))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void aRefusedCopyEndsItsTransferAlone() {
    refuse(2);
    Transfer refused = transfer("refused", 0, 0, 4);
    Transfer other = transfer("other", 1, 4, 4);
    lane.submit(refused);
    lane.submit(other);
    settleAll();
    assertThat(settled).containsExactlyInAnyOrder("refused", "other");
    assertThat(refused.isComplete()).isFalse();
    assertThat(refused.failure()).hasMessageContaining("on purpose");
    assertThat(other.isComplete()).isTrue();
    assertThat(lane.flush(refused)).isFalse();
  }

  @Test
  void aFlushThatIsRefusedSaysSo() {
    device.hold("test", gate);
    Transfer transfer = transfer("refused", 0, 0, ROWS);
    lane.submit(transfer);
    await(() -> transfer.remaining() < ROWS * WIDTH);
    await(() -> transfer.remaining() <= 3 * WIDTH);
    refuse(1);
    assertThat(lane.flush(transfer)).isFalse();
    gate.countDown();
    settleAll();
    assertThat(settled).containsExactly("refused");
  }

  @Test
  void aBrokenStreamFailsEverythingForGood() {
    device.hold("test", gate);
    Transfer first = transfer("first", 0, 0, ROWS);
    Transfer second = transfer("second", 1, 0, 1);
    device.fail("test");
    lane.submit(first);
    lane.submit(second);
    gate.countDown();
    for (int i = 0; i < 3; i++) {
      await(() -> {
        try {
          lane.settle();
          return false;
        } catch (DeviceException e) {
          return true;
        }
      });
    }
    assertThat(settled).containsExactlyInAnyOrder("first", "second");
    assertThat(first.isComplete()).isFalse();
    assertThat(first.failure()).isInstanceOf(DeviceException.class);
  }

  /** A device that is lost refuses a copy in the middle of a piece, and everything after it. */
  @Test
  void aPieceThatCannotBeEndedSettlesItsTransferOnce() {
    AtomicInteger copies = new AtomicInteger();
    device.follow(
        new ScriptedDevice.Script() {
          @Override
          public void beforeCopy(String stream, Memory target, Memory source) {
            if (copies.getAndIncrement() > 0) {
              throw ScriptedDevice.refusal();
            }
          }

          @Override
          public void beforeRecord(String stream) {
            if (copies.get() > 1) {
              throw ScriptedDevice.refusal();
            }
          }
        });
    long width = 1 << 20;
    Rows first = new Rows(memory, 0, width, host, 0, width, width, 1);
    Rows second = new Rows(memory, width, width, host, width, width, width, 1);
    lane.submit(transfer("lost", 0, List.of(List.of(first, second))));
    await(() -> {
      try {
        lane.settle();
        return false;
      } catch (DeviceException e) {
        return true;
      }
    });
    assertThat(settled).containsExactly("lost");
  }

  @Test
  void closingTellsTheOwnersOfAllThatIsLeft() {
    device.hold("test", gate);
    lane.submit(transfer("flying", 0, 0, ROWS));
    lane.submit(transfer("queued", 1, 0, 1));
    gate.countDown();
    lane.close();
    assertThat(settled).containsExactlyInAnyOrder("flying", "queued");
  }

  @Test
  void closingABrokenLaneTellsThemToo() {
    device.fail("test");
    lane.submit(transfer("flying", 0, 0, ROWS));
    lane.submit(transfer("queued", 1, 0, 1));
    lane.close();
    assertThat(settled).containsExactlyInAnyOrder("flying", "queued");
  }

  @Test
  void laterGroupsAreExpectedLaterAndMoreUrgentTransfersCount() {
    device.hold("test", gate);
    Transfer transfer =
        transfer(
            "groups", 5, List.of(List.of(rows(0, 2)), List.of(rows(2, 4)), List.of(rows(6, 2))));
    lane.submit(transfer);
    await(() -> transfer.remaining() <= 3 * WIDTH);
    long before = lane.nanosUntil(transfer, 2);
    assertThat(lane.nanosUntil(transfer, 0)).isPositive();
    assertThat(lane.nanosUntil(transfer, 1)).isGreaterThan(lane.nanosUntil(transfer, 0));
    assertThat(before).isGreaterThan(lane.nanosUntil(transfer, 1));
    lane.submit(transfer("relaxed", 6, 0, 4));
    assertThat(lane.nanosUntil(transfer, 2)).isEqualTo(before);
    lane.submit(transfer("urgent", 4, 0, 4));
    assertThat(lane.nanosUntil(transfer, 2)).isGreaterThan(before);
    gate.countDown();
    settleAll();
    assertThat(lane.nanosUntil(transfer, 2)).isZero();
  }
}
