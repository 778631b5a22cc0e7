package dev.kappa.kv.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Event;
import dev.kappa.device.HostMemory;
import dev.kappa.device.virtual.VirtualDevice;
import dev.kappa.device.virtual.VirtualOptions;
import dev.kappa.roofline.HardwareProfile;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How two directions share, in virtual time; 50 GB/s each. */
@Timeout(300)
class LaneShareTest {

  private static final double RATE = 50;
  private static final long MIB = 1 << 20;

  /** What is left of a background transfer's rate while the other lane copies. */
  private static final double SHARE = 0.05;

  private final VirtualDevice device =
      new VirtualDevice(
          new HardwareProfile("virtual", 1e14, RATE * 1e9, RATE * 1e9, 1e12, 0, 0),
          VirtualOptions.defaults(),
          1);
  private final HostMemory host = device.allocateHost(32 * MIB);
  private final DeviceMemory memory = device.allocate(32 * MIB);
  private final Event after = device.newEvent();
  private final Lane loads = new Lane(device, "load", () -> {});
  private final Lane stores = new Lane(device, "store", () -> {});

  private final long start;

  LaneShareTest() {
    loads.calibrate(device, memory, host, MIB);
    stores.calibrate(device, host, memory, MIB);
    stores.yieldTo(loads);
    start = device.clock().nanos();
  }

  @AfterEach
  void nothingLeaks() {
    loads.close();
    stores.close();
    host.close();
    memory.close();
    device.close();
  }

  /** Copies so many times 32 MiB. */
  private Transfer transfer(boolean toDevice, int times) {
    Rows rows =
        toDevice
            ? new Rows(memory, 0, MIB, host, 0, MIB, MIB, 32)
            : new Rows(host, 0, MIB, memory, 0, MIB, MIB, 32);
    return new Transfer(
        List.of(Collections.nCopies(times, rows)), after, device.clock().nanos(), done -> {});
  }

  private double run(Transfer measured) {
    device.run();
    loads.settle();
    stores.settle();
    assertThat(loads.isIdle() && stores.isIdle()).isTrue();
    return measured.doneNanos(0) - start;
  }

  private double alone(Transfer transfer) {
    return transfer.bytes() / RATE;
  }

  @Test
  void backgroundTransfersTakeAllOfAnIdleLink() {
    Transfer store = transfer(false, 20).inBackground();
    stores.submit(store);
    assertThat(run(store)).isCloseTo(alone(store), withinPercentage(2));
  }

  @Test
  void backgroundTransfersTakeLittleWhileTheOtherDirectionIsInUse() {
    Transfer load = transfer(true, 60);
    Transfer store = transfer(false, 20).inBackground();
    loads.submit(load);
    stores.submit(store);
    double loaded = alone(load);
    assertThat(run(store)).isCloseTo(loaded + alone(store) - SHARE * loaded, withinPercentage(5));
    assertThat((double) load.doneNanos(0) - start).isCloseTo(loaded, withinPercentage(2));
  }

  @Test
  void backgroundTransfersGoOnThoughTheOtherDirectionIsNeverIdle() {
    Transfer load = transfer(true, 500);
    Transfer store = transfer(false, 20).inBackground();
    loads.submit(load);
    stores.submit(store);
    double took = run(store);
    assertThat(took).isLessThan(alone(load));
    assertThat(alone(store) / took).isCloseTo(SHARE, withinPercentage(30));
  }

  @Test
  void otherTransfersNeitherGiveWayNorStandBehindThoseThatDo() {
    Transfer load = transfer(true, 60);
    Transfer background = transfer(false, 20).inBackground();
    loads.submit(load);
    stores.submit(background);
    Transfer store = transfer(false, 5);
    stores.submit(store);
    assertThat(run(store)).isCloseTo(alone(store), withinPercentage(10));
    assertThat(background.doneNanos(0)).isGreaterThan(load.doneNanos(0));
  }
}
