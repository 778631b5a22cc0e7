package dev.kappa.kv;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import dev.kappa.device.ScriptedDevice;
import dev.kappa.device.Stream;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Storing and loading, with copies that take as long as the test wants. */
@Timeout(300)
class OffloadedKvTest {

  private static final int BLOCK_TOKENS = 4;
  private static final int BLOCKS = 8;
  private static final KvLayout LAYOUT = new KvLayout(1, 1, 16, BLOCK_TOKENS, DType.F32);

  private final ScriptedDevice device = ScriptedDevice.cpu(1);
  private final Stream stream = device.newStream("test");
  private final CountDownLatch gate = new CountDownLatch(1);
  private final List<KvCache> caches = new ArrayList<>();

  @AfterEach
  void nothingLeaks() {
    gate.countDown();
    for (KvCache cache : caches) {
      settle(cache);
      cache.checkIntegrity();
      assertThat(cache.pool().free()).isEqualTo(cache.pool().total());
      assertThat(cache.hostPool().free()).isEqualTo(cache.hostPool().total());
      assertThat(cache.quarantined()).isZero();
      cache.close();
    }
    stream.close();
    assertThat(device.allocatedBytes()).isZero();
    device.close();
  }

  private KvCache cache(StorePolicy policy, int hostBlocks) {
    return cache(policy, hostBlocks, SlidingWindows.none(LAYOUT));
  }

  private KvCache cache(StorePolicy policy, int hostBlocks, SlidingWindows windows) {
    KvOptions options =
        new KvOptions(
            true,
            hostBlocks * LAYOUT.blockBytes(),
            policy,
            RestoreMode.LOAD,
            0,
            KvOptions.LOAD_TIMEOUT_NANOS,
            true);
    BlockKeys keys = new BlockKeys(LAYOUT, "model", "numerics");
    KvCache cache = new KvCache(device, LAYOUT, BLOCKS, keys, stream, options, windows);
    caches.add(cache);
    return cache;
  }

  private static int[] tokens(int first, int count) {
    return IntStream.range(first, first + count).toArray();
  }

  /** Reserves, pretends to compute, and offers what is full for storing. */
  private static BlockTable computed(KvCache cache, int[] tokens) {
    BlockTable table = new BlockTable("");
    int length = tokens.length;
    assertThat(cache.reserve(table, tokens, length, length, PrefixUse.ALL, RestoreSplit.LOAD_ALL))
        .isNotNull();
    cache.publish(table, tokens, length);
    cache.flushStores();
    return table;
  }

  private static void settle(KvCache cache) {
    while (!cache.isIdle()) {
      cache.settle();
      Thread.onSpinWait();
    }
  }

  /** Tokens of a prefix that come from host memory; they are loaded and released again. */
  private static int restorable(KvCache cache, int[] tokens) {
    cache.clearDevice();
    BlockTable table = new BlockTable("");
    int length = tokens.length;
    Reservation reservation =
        requireNonNull(
            cache.reserve(table, tokens, length, length, PrefixUse.ALL, RestoreSplit.LOAD_ALL));
    settle(cache);
    cache.release(table);
    return reservation.hostTokens();
  }

  /** A sequence with a window of 8 tokens, which runs on, has no blocks any more that it loaded. */
  @Test
  void nobodyWaitsForWhatASlidingWindowHasLeftBehind() {
    SlidingWindows windows = new SlidingWindows(LAYOUT, BLOCK_TOKENS, 8, Set.of(0));
    KvCache cache = cache(StorePolicy.WRITE_THROUGH, 16, windows);
    cache.release(computed(cache, tokens(0, 16)));
    settle(cache);
    cache.clearDevice();
    BlockTable running = new BlockTable("");
    int[] tokens = tokens(0, 40);
    Reservation reservation =
        requireNonNull(
            cache.reserve(running, tokens, 40, 40, 8, PrefixUse.ALL, RestoreSplit.LOAD_ALL));
    assertThat(reservation.hostTokens()).isEqualTo(8);
    settle(cache);
    cache.publish(running, tokens, 24);
    cache.clearDevice();
    Outlook outlook = cache.forecast().outlook(new BlockTable(""), tokens, 18, PrefixUse.ALL);
    assertThat(outlook.awaits()).isFalse();
    assertThat(outlook.hostBytes()).isPositive();
    cache.release(running);
  }

  @Test
  void aStoreWhoseBlockWasHandedOutAgainIsThrownAway() {
    KvCache cache = cache(StorePolicy.WRITE_THROUGH, 16);
    device.hold("store", gate);
    cache.release(computed(cache, tokens(0, 12)));
    BlockTable other = new BlockTable("");
    cache.reserve(other, tokens(1000, 32), 32, 32, PrefixUse.ALL, RestoreSplit.LOAD_ALL);
    gate.countDown();
    settle(cache);
    assertThat(cache.stats().storesDiscarded()).isEqualTo(3);
    assertThat(cache.stats().stores().blocks()).isZero();
    assertThat(cache.hostPool().cached()).isZero();
    cache.release(other);
  }

  @Test
  void aStoreWhoseBlockIsFreeButUnchangedIsKept() {
    KvCache cache = cache(StorePolicy.WRITE_THROUGH, 16);
    device.hold("store", gate);
    cache.release(computed(cache, tokens(0, 12)));
    gate.countDown();
    settle(cache);
    assertThat(cache.stats().stores().blocks()).isEqualTo(3);
    assertThat(restorable(cache, tokens(0, 13))).isEqualTo(12);
  }

  @Test
  void twinsAreStoredOnce() {
    KvCache cache = cache(StorePolicy.WRITE_THROUGH, 16);
    device.hold("store", gate);
    BlockTable first = new BlockTable("");
    BlockTable second = new BlockTable("");
    int[] tokens = tokens(0, 12);
    // Neither finds the other's blocks.
    cache.reserve(first, tokens, 12, 12, PrefixUse.NONE, RestoreSplit.LOAD_ALL);
    cache.reserve(second, tokens, 12, 12, PrefixUse.NONE, RestoreSplit.LOAD_ALL);
    cache.publish(first, tokens, 12);
    cache.publish(second, tokens, 12);
    cache.flushStores();
    gate.countDown();
    settle(cache);
    assertThat(cache.stats().stores().blocks()).isEqualTo(3);
    assertThat(cache.hostPool().total() - cache.hostPool().free()).isEqualTo(3);
    cache.release(first);
    cache.release(second);
    assertThat(restorable(cache, tokens(0, 13))).isEqualTo(12);
  }

  @Test
  void storesThatFindNoRoomAreSkippedAndHeldCopiesStay() {
    KvCache cache = cache(StorePolicy.WRITE_THROUGH, 2);
    BlockTable first = computed(cache, tokens(0, 8));
    settle(cache);
    BlockTable second = computed(cache, tokens(1000, 12));
    settle(cache);
    assertThat(cache.stats().storesSkipped().noSpace()).isEqualTo(3);
    assertThat(cache.stats().storesRefused()).as("one store of three blocks").isEqualTo(1);
    cache.release(second);
    cache.release(first);
    assertThat(restorable(cache, tokens(0, 9))).isEqualTo(8);
  }

  @Test
  void whatFollowsABlockThatWasSkippedIsSkippedToo() {
    KvCache cache = cache(StorePolicy.WRITE_THROUGH, 2);
    BlockTable first = computed(cache, tokens(0, 8));
    settle(cache);
    BlockTable second = new BlockTable("");
    int[] tokens = tokens(1000, 12);
    cache.reserve(second, tokens, 12, 12, PrefixUse.ALL, RestoreSplit.LOAD_ALL);
    cache.publish(second, tokens, 8);
    cache.flushStores();
    cache.release(first);
    cache.publish(second, tokens, 12);
    cache.flushStores();
    settle(cache);
    assertThat(cache.stats().storesSkipped()).isEqualTo(new KvStats.Skipped(2, 0, 0, 0, 1));
    cache.release(second);
    assertThat(restorable(cache, tokens(0, 9))).as("nothing had to go for it").isEqualTo(8);
  }

  /** Two sequences load the same blocks at the same time. */
  @Test
  void hostBlocksCountAsReadOrWrittenWhileCopiesAreInFlight() {
    KvCache cache = cache(StorePolicy.WRITE_THROUGH, 16);
    device.hold("store", gate);
    cache.release(computed(cache, tokens(0, 12)));
    assertThat(cache.stats().hostWriting()).isEqualTo(3);
    assertThat(cache.stats().hostReading()).isZero();
    gate.countDown();
    settle(cache);
    assertThat(cache.stats().hostWriting()).isZero();
    cache.clearDevice();
    CountDownLatch load = new CountDownLatch(1);
    device.hold("load", load);
    BlockTable first = new BlockTable("");
    BlockTable second = new BlockTable("");
    cache.reserve(first, tokens(0, 13), 13, 13, PrefixUse.ALL, RestoreSplit.LOAD_ALL);
    cache.reserve(second, tokens(0, 9), 9, 9, PrefixUse.ALL, RestoreSplit.LOAD_ALL);
    assertThat(cache.stats().hostReading()).as("each once").isEqualTo(3);
    load.countDown();
    settle(cache);
    assertThat(cache.stats().hostReading()).isZero();
    cache.release(first);
    cache.release(second);
    KvDistributions distributions = cache.distributions();
    assertThat(distributions.storeBytes().read().sum()).isEqualTo(3.0 * LAYOUT.blockBytes());
    assertThat(distributions.storeBytes().read().count()).isEqualTo(1);
    assertThat(distributions.loadBytes().read().sum()).isEqualTo(5.0 * LAYOUT.blockBytes());
    assertThat(distributions.loadBytes().read().count()).isEqualTo(2);
    assertThat(distributions.lookupSeconds().read().count()).isEqualTo(3);
    assertThat(distributions.lookupSeconds().read().sum()).isPositive();
  }

  @Test
  void selectiveStoresWhatIsUsedASecondTime() {
    KvCache cache = cache(StorePolicy.SELECTIVE, 16);
    cache.release(computed(cache, tokens(0, 12)));
    settle(cache);
    assertThat(cache.stats().stores().blocks()).isZero();
    cache.release(computed(cache, tokens(0, 9)));
    settle(cache);
    assertThat(cache.stats().stores().blocks()).isEqualTo(2);
    cache.clearDevice();
    cache.release(computed(cache, tokens(0, 12)));
    settle(cache);
    assertThat(cache.stats().stores().blocks()).as("computed twice").isEqualTo(3);
  }

  @Test
  void writeBackStoresWhatIsAboutToGo() {
    KvCache cache = cache(StorePolicy.WRITE_BACK, 16);
    BlockTable table = computed(cache, tokens(0, 12));
    settle(cache);
    assertThat(cache.stats().stores().blocks()).as("held").isZero();
    cache.release(table);
    cache.flushStores();
    settle(cache);
    assertThat(cache.stats().stores().blocks()).as("free").isEqualTo(3);
    assertThat(restorable(cache, tokens(0, 13))).isEqualTo(12);
  }

  /** Though its sequence had ended when the last of it was stored. */
  @Test
  void hostMemoryLosesTheEndOfAPrefixFirst() {
    KvCache cache = cache(StorePolicy.WRITE_THROUGH, 4);
    BlockTable table = new BlockTable("");
    int[] tokens = tokens(0, 16);
    cache.reserve(table, tokens, 16, 16, PrefixUse.ALL, RestoreSplit.LOAD_ALL);
    cache.publish(table, tokens, 8);
    cache.flushStores();
    settle(cache);
    device.hold("store", gate);
    cache.publish(table, tokens, 16);
    cache.flushStores();
    cache.release(table);
    gate.countDown();
    settle(cache);
    assertThat(cache.hostPool().cached()).isEqualTo(4);
    cache.release(computed(cache, tokens(1000, 4)));
    settle(cache);
    cache.release(computed(cache, tokens(2000, 4)));
    settle(cache);
    assertThat(restorable(cache, tokens(0, 17))).isEqualTo(8);
  }

  @Test
  void theBlocksOfALoadThatWasGivenUpAreNotHandedOutBeforeItIsSettled() {
    KvCache cache = cache(StorePolicy.WRITE_THROUGH, 16);
    cache.release(computed(cache, tokens(0, 12)));
    settle(cache);
    cache.clearDevice();
    device.hold("load", gate);
    BlockTable table = new BlockTable("");
    cache.reserve(table, tokens(0, 12), 12, 12, PrefixUse.ALL, RestoreSplit.LOAD_ALL);
    Load load = requireNonNull(table.load());
    // In flight as a whole, so that all of it arrives.
    assertThat(load.join(0)).isTrue();
    cache.giveUpLoad(table);
    assertThat(cache.stats().loads().failed()).isEqualTo(1);
    assertThat(cache.quarantined()).isEqualTo(3);
    assertThat(cache.pool().free()).isEqualTo(BLOCKS - 3);
    BlockTable other = new BlockTable("");
    assertThat(cache.reserve(other, tokens(1000, 24), 24, 24, PrefixUse.ALL, RestoreSplit.LOAD_ALL))
        .isNull();
    gate.countDown();
    settle(cache);
    assertThat(cache.quarantined()).isZero();
    assertThat(cache.stats().loads().failed()).isEqualTo(1);
    assertThat(cache.pool().free()).isEqualTo(BLOCKS);
    // What arrived serves others, but for the last block, which someone was to write to.
    assertThat(cache.pool().cached()).isEqualTo(2);
  }

  @Test
  void aLoadThatWasNeverBegunGivesItsBlocksBackAtOnce() {
    KvCache cache = cache(StorePolicy.WRITE_THROUGH, 16);
    cache.release(computed(cache, tokens(0, 12)));
    settle(cache);
    cache.clearDevice();
    device.follow(
        new ScriptedDevice.Script() {
          @Override
          public void beforeCopy(
              String on, dev.kappa.device.Memory target, dev.kappa.device.Memory source) {
            if (on.equals("load")) {
              throw ScriptedDevice.refusal();
            }
          }
        });
    BlockTable table = new BlockTable("");
    cache.reserve(table, tokens(0, 12), 12, 12, PrefixUse.ALL, RestoreSplit.LOAD_ALL);
    Load load = requireNonNull(table.load());
    settle(cache);
    assertThat(load.hasFailed()).isTrue();
    assertThat(cache.stats().hostReading()).isZero();
    assertThat(cache.distributions().loadBytes().read().count()).isZero();
    cache.giveUpLoad(table);
    assertThat(cache.quarantined()).isZero();
    assertThat(cache.pool().free()).isEqualTo(BLOCKS);
    assertThat(cache.pool().cached()).isZero();
    assertThat(cache.stats().loads().failed()).isEqualTo(1);
  }
}
