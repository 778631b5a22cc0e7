package dev.kappa.kv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import dev.kappa.device.Stream;
import dev.kappa.device.virtual.VirtualDevice;
import dev.kappa.device.virtual.VirtualOptions;
import dev.kappa.roofline.HardwareProfile;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Blocks that are computed faster than the link takes them, in virtual time. */
@Timeout(300)
class StoreBacklogTest {

  private static final KvLayout LAYOUT = new KvLayout(1, 1, 16, 4, DType.F32);

  /** Blocks that the link takes in half a second. */
  private static final int HALF_A_SECOND = 20;

  private static final int PROMPT = 16;

  @Test
  void whatWouldWaitLongerThanHalfASecondIsSkippedAndNotQueued() {
    check(5 * PROMPT, HALF_A_SECOND, 500_000_000);
  }

  @Test
  void whatAnEighthOfTheDeviceHoldsMayWaitLonger() {
    check(320, 40, 1_000_000_000);
  }

  /**
   * @param blocks on the device
   * @param waiting blocks that may wait
   * @param nanos how long the link takes for them
   */
  private static void check(int blocks, int waiting, long nanos) {
    double link = 2.0 * HALF_A_SECOND * LAYOUT.blockBytes();
    HardwareProfile profile = new HardwareProfile("slow", 1e12, link, link, 1e12, 0, 0);
    KvOptions options =
        new KvOptions(
            true,
            200 * LAYOUT.blockBytes(),
            StorePolicy.WRITE_THROUGH,
            RestoreMode.LOAD,
            0,
            KvOptions.LOAD_TIMEOUT_NANOS,
            false);
    BlockKeys keys = new BlockKeys(LAYOUT, "model", "numerics");
    try (VirtualDevice device = new VirtualDevice(profile, VirtualOptions.defaults(), 1);
        Stream stream = device.newStream("compute");
        KvCache cache =
            new KvCache(
                device, LAYOUT, blocks, keys, stream, options, SlidingWindows.none(LAYOUT))) {
      for (int i = 0; i < 5; i++) {
        compute(cache, i);
      }
      assertThat(cache.stats().storesSkipped())
          .isEqualTo(new KvStats.Skipped(0, 5 * PROMPT - waiting, 0, 0, 0));
      long begun = device.clock().nanos();
      device.run();
      cache.settle();
      assertThat(cache.isIdle()).isTrue();
      assertThat(device.clock().nanos() - begun).isBetween(nanos * 98 / 100, nanos * 102 / 100);
      assertThat(cache.stats().stores().blocks()).isEqualTo(waiting);
      compute(cache, 9);
      device.run();
      cache.settle();
      assertThat(cache.stats().stores().blocks()).isEqualTo(waiting + PROMPT);
    }
  }

  private static void compute(KvCache cache, int number) {
    int length = PROMPT * LAYOUT.blockTokens();
    int[] tokens = IntStream.range(0, length).map(i -> 1000 * number + i).toArray();
    BlockTable table = new BlockTable("");
    assertThat(cache.reserve(table, tokens, length, length, PrefixUse.ALL, RestoreSplit.LOAD_ALL))
        .isNotNull();
    cache.publish(table, tokens, length);
    cache.flushStores();
    cache.release(table);
  }
}
