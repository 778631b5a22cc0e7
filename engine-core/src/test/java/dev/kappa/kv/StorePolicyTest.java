package dev.kappa.kv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import dev.kappa.device.ScriptedDevice;
import dev.kappa.device.Stream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a full host memory keeps, by policy. */
@Timeout(300)
class StorePolicyTest {

  private static final int BLOCK_TOKENS = 4;
  private static final int DEVICE_BLOCKS = 16;
  private static final int HOST_BLOCKS = 40;
  private static final KvLayout LAYOUT = new KvLayout(1, 1, 16, BLOCK_TOKENS, DType.F32);

  /** Blocks of a prompt. */
  private static final int PROMPT = 4;

  /** Blocks of the longest of {@link #path}. */
  private static final int PATH = 8;

  private final ScriptedDevice device = ScriptedDevice.cpu(1);
  private final Stream stream = device.newStream("test");
  private final List<KvCache> caches = new ArrayList<>();
  private final Set<List<Integer>> asked = new HashSet<>();

  @AfterEach
  void nothingLeaks() {
    for (KvCache cache : caches) {
      settle(cache);
      cache.checkIntegrity();
      assertThat(cache.pool().free()).isEqualTo(cache.pool().total());
      assertThat(cache.hostPool().free()).isEqualTo(cache.hostPool().total());
      cache.close();
    }
    stream.close();
    assertThat(device.allocatedBytes()).isZero();
    device.close();
  }

  private KvCache cache(StorePolicy policy) {
    KvOptions options =
        new KvOptions(
            true,
            HOST_BLOCKS * LAYOUT.blockBytes(),
            policy,
            RestoreMode.LOAD,
            0,
            KvOptions.LOAD_TIMEOUT_NANOS,
            true);
    BlockKeys keys = new BlockKeys(LAYOUT, "model", "numerics");
    KvCache cache =
        new KvCache(
            device, LAYOUT, DEVICE_BLOCKS, keys, stream, options, SlidingWindows.none(LAYOUT));
    caches.add(cache);
    return cache;
  }

  private static void settle(KvCache cache) {
    while (!cache.isIdle()) {
      cache.settle();
      Thread.onSpinWait();
    }
  }

  private static int[] prompt(int number) {
    int length = PROMPT * BLOCK_TOKENS + 1;
    return IntStream.range(0, length).map(i -> number * 1000 + i).toArray();
  }

  /** Serves a prompt whose KV is no longer on the device; returns how many tokens were loaded. */
  private static int serve(KvCache cache, int[] tokens) {
    cache.clearDevice();
    BlockTable table = new BlockTable("");
    Reservation found =
        cache.reserve(
            table, tokens, tokens.length, tokens.length, PrefixUse.ALL, RestoreSplit.LOAD_ALL);
    assertThat(found).isNotNull();
    settle(cache);
    cache.publish(table, tokens, tokens.length);
    cache.flushStores();
    settle(cache);
    cache.release(table);
    return found == null ? 0 : found.hostTokens();
  }

  /** Five prompts are asked for again and again, between scans that fill host memory twice. */
  private static int loadedAmongScans(KvCache cache) {
    int loaded = 0;
    int scanned = 1000;
    for (int round = 0; round < 20; round++) {
      for (int popular = 0; popular < 5; popular++) {
        loaded += serve(cache, prompt(popular));
      }
      for (int i = 0; i < 2 * HOST_BLOCKS / PROMPT; i++) {
        serve(cache, prompt(scanned++));
      }
    }
    return loaded;
  }

  @Test
  void scansDoNotPushOutWhatIsReused() {
    int all = 20 * 5 * PROMPT * BLOCK_TOKENS;
    assertThat(loadedAmongScans(cache(StorePolicy.WRITE_THROUGH))).isZero();
    assertThat(loadedAmongScans(cache(StorePolicy.FREQUENCY))).isGreaterThan(all * 8 / 10);
    assertThat(loadedAmongScans(cache(StorePolicy.ADAPTIVE))).isGreaterThan(all * 7 / 10);
  }

  /** Each prompt is asked for twice, soon, and then never again. */
  @Test
  void whatIsNewDoesNotWaitForWhatWasPopular() {
    KvCache cache = cache(StorePolicy.ADAPTIVE);
    loadedAmongScans(cache);
    int loaded = 0;
    int rounds = 200;
    for (int i = 0; i < rounds; i++) {
      serve(cache, prompt(100_000 + i));
      loaded += serve(cache, prompt(100_000 + i - 3));
    }
    assertThat(loaded).isGreaterThan(rounds * PROMPT * BLOCK_TOKENS / 2);
  }

  @Test
  void withRoomEverythingIsStored() {
    for (StorePolicy policy :
        List.of(StorePolicy.ADAPTIVE, StorePolicy.WRITE_THROUGH, StorePolicy.FREQUENCY)) {
      KvCache cache = cache(policy);
      for (int i = 0; i < HOST_BLOCKS / PROMPT; i++) {
        serve(cache, prompt(i));
      }
      assertThat(cache.stats().stores().blocks()).as("%s", policy).isEqualTo(HOST_BLOCKS);
      assertThat(cache.stats().storesSkipped()).isEqualTo(KvStats.Skipped.NONE);
    }
  }

  @Test
  void standsDownWhenNothingIsReadAndNoticesWhenThatChanges() {
    KvCache cache = cache(StorePolicy.ADAPTIVE);
    for (int i = 0; i < HOST_BLOCKS / PROMPT; i++) {
      assertThat(cache.stats().storesStandDown()).isFalse();
      serve(cache, prompt(i));
    }
    assertThat(cache.stats().storesStandDown()).isTrue();
    long before = cache.stats().stores().blocks();
    int requests = 10 * StoreAdmission.SAMPLE;
    for (int i = 0; i < requests; i++) {
      serve(cache, prompt(1000 + i));
    }
    assertThat(cache.stats().storesStandDown()).isTrue();
    long sampled = 10L * PROMPT;
    assertThat(cache.stats().stores().blocks() - before).isEqualTo(sampled);
    assertThat(cache.stats().storesSkipped().standDown())
        .isEqualTo((long) requests * PROMPT - sampled);
    // Asked for a second time, and it is stored; a third time, and it is found.
    int[] returning = prompt(9999);
    assertThat(serve(cache, returning)).isZero();
    assertThat(serve(cache, returning)).isZero();
    assertThat(cache.stats().storesStandDown()).isFalse();
    assertThat(serve(cache, returning)).isEqualTo(PROMPT * BLOCK_TOKENS);
  }

  @Test
  void readingWhatIsStoredKeepsItUp() {
    KvCache cache = cache(StorePolicy.ADAPTIVE);
    for (int i = 0; i < 100; i++) {
      serve(cache, prompt(1000 + i));
      serve(cache, prompt(1000 + i));
      assertThat(cache.stats().storesStandDown()).isFalse();
    }
  }

  @Test
  void selectiveWaitsForTheSecondTime() {
    KvCache cache = cache(StorePolicy.SELECTIVE);
    serve(cache, prompt(1));
    assertThat(cache.stats().stores().blocks()).isZero();
    serve(cache, prompt(1));
    assertThat(cache.stats().stores().blocks()).isEqualTo(PROMPT);
  }

  /**
   * Prompts that share beginnings, of all lengths: whatever is stored can be found, since what
   * comes before it is stored as well, and the books balance.
   */
  @ParameterizedTest
  @EnumSource(names = {"ADAPTIVE", "WRITE_THROUGH", "FREQUENCY", "SELECTIVE"})
  void nothingIsStoredBehindAHole(StorePolicy policy) {
    for (long seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      KvCache cache = cache(policy);
      for (int i = 0; i < 150; i++) {
        int[] tokens = path(random.nextInt(3) > 0 ? random.nextInt(64) : 1000 + i);
        int length = 1 + random.nextInt(tokens.length);
        serve(cache, Arrays.copyOf(tokens, length));
        assertThat(reachable(cache))
            .as("seed %d, request %d", seed, i)
            .isEqualTo(cache.hostPool().cached());
        cache.checkIntegrity();
      }
    }
  }

  /** A walk through a tree with four branches at each of its first three blocks. */
  private int[] path(int number) {
    int[] tokens = new int[PATH * BLOCK_TOKENS];
    for (int block = 0; block < PATH; block++) {
      int token = block < 3 ? number >> (4 - 2 * block) & 3 : number;
      Arrays.fill(tokens, block * BLOCK_TOKENS, (block + 1) * BLOCK_TOKENS, token);
    }
    asked.add(IntStream.of(tokens).boxed().toList());
    return tokens;
  }

  /** Blocks in host memory that can be found from the beginning of some prompt. */
  private int reachable(KvCache cache) {
    BlockKeys keys = new BlockKeys(LAYOUT, "model", "numerics");
    Set<BlockKey> found = new HashSet<>();
    for (List<Integer> boxed : asked) {
      int[] tokens = boxed.stream().mapToInt(Integer::intValue).toArray();
      BlockKey key = keys.root("");
      for (int block = 0; block < PATH; block++) {
        key = keys.next(key, tokens, block * BLOCK_TOKENS);
        if (!cache.hostPool().contains(key)) {
          break;
        }
        found.add(key);
      }
    }
    return found.size();
  }
}
