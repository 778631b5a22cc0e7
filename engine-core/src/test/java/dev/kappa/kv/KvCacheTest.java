package dev.kappa.kv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.Devices;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Stream;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class KvCacheTest {

  private static final int BLOCK_TOKENS = 4;
  private static final KvLayout LAYOUT = new KvLayout(1, 1, 16, BLOCK_TOKENS, DType.F32);

  private final Device device = Devices.open("cpu", 1).device();
  private final Stream stream = device.newStream("test");
  private final KvCache cache =
      new KvCache(
          device,
          LAYOUT,
          8,
          new BlockKeys(LAYOUT, "model", "numerics"),
          stream,
          KvOptions.deviceOnly(true),
          SlidingWindows.none(LAYOUT));

  @AfterEach
  void closesEverything() {
    cache.pool().checkIntegrity();
    stream.close();
    cache.close();
    assertThat(device.allocatedBytes()).isZero();
    device.close();
  }

  private static int[] tokens(int count) {
    return IntStream.range(100, 100 + count).toArray();
  }

  /** The cached tokens of a reservation; -1 if there was no room. */
  private int reserve(BlockTable table, int[] tokens, int length, int capacity, PrefixUse use) {
    Reservation reservation =
        cache.reserve(table, tokens, length, capacity, use, RestoreSplit.LOAD_ALL);
    return reservation == null ? -1 : reservation.cachedTokens();
  }

  /** Reserves, pretends to compute, publishes. */
  private BlockTable computed(int[] tokens) {
    BlockTable table = new BlockTable("");
    assertThat(reserve(table, tokens, tokens.length, tokens.length, PrefixUse.ALL)).isNotNegative();
    cache.publish(table, tokens, tokens.length);
    return table;
  }

  private int cachedTokens(int[] tokens, String salt) {
    BlockTable table = new BlockTable(salt);
    int cached = reserve(table, tokens, tokens.length, tokens.length, PrefixUse.ALL);
    if (cached >= 0) {
      cache.release(table);
    }
    return cached;
  }

  @Test
  void reusesWholeBlocksOfAKnownPrefix() {
    BlockTable first = computed(tokens(10));
    assertThat(cachedTokens(tokens(11), "")).isEqualTo(8);
    cache.release(first);
    assertThat(cachedTokens(tokens(11), "")).isEqualTo(8);
  }

  @Test
  void neverSharesBetweenSalts() {
    cache.release(computed(tokens(10)));
    assertThat(cachedTokens(tokens(11), "tenant")).isZero();
  }

  @Test
  void sharesNothingAfterADifferentToken() {
    cache.release(computed(tokens(12)));
    int[] other = tokens(12);
    other[1]++;
    assertThat(cachedTokens(other, "")).isZero();
  }

  @Test
  void doesNotPublishWhatIsNotComputed() {
    int[] tokens = tokens(12);
    BlockTable table = new BlockTable("");
    reserve(table, tokens, 12, 12, PrefixUse.ALL);
    cache.publish(table, tokens, 7);
    cache.release(table);
    assertThat(cachedTokens(tokens, "")).isEqualTo(4);
  }

  @Test
  void fullHitLeavesOneTokenToComputeInAPrivateCopy() {
    int[] tokens = tokens(8);
    BlockTable owner = computed(tokens);
    byte[] content = fill(owner.block(1));

    BlockTable twin = new BlockTable("");
    assertThat(reserve(twin, tokens, 8, 12, PrefixUse.ALL)).isEqualTo(7);

    assertThat(twin.block(0)).isEqualTo(owner.block(0));
    assertThat(twin.block(1)).isNotEqualTo(owner.block(1));
    assertThat(read(twin.block(1))).isEqualTo(content);
    cache.release(owner);
    cache.release(twin);
  }

  @Test
  void fullHitWithoutRoomForTheCopyComputesTheLastBlockAgain() {
    int[] tokens = tokens(28);
    cache.release(computed(tokens));
    BlockTable twin = new BlockTable("");
    // 7 cached blocks and 1 to grow into fill the pool; a copy would be a ninth.
    assertThat(reserve(twin, tokens, 28, 32, PrefixUse.ALL)).isEqualTo(24);
    cache.release(twin);
  }

  @Test
  void failedReservationChangesNothing() {
    BlockTable owner = computed(tokens(20));
    int free = cache.pool().free();
    int[] big = IntStream.range(0, 30).toArray();
    BlockTable table = new BlockTable("");
    assertThat(reserve(table, big, 30, 30, PrefixUse.ALL)).isEqualTo(-1);
    assertThat(table.size()).isZero();
    assertThat(cache.pool().free()).isEqualTo(free);
    cache.release(owner);
  }

  @Test
  void evictsTheEndOfAPrefixFirst() {
    cache.release(computed(tokens(16)));
    BlockTable other = new BlockTable("");
    int[] unrelated = IntStream.range(0, 24).toArray();
    reserve(other, unrelated, 24, 24, PrefixUse.ALL);
    assertThat(cachedTokens(tokens(16), "")).isEqualTo(-1);
    cache.release(other);
    assertThat(cachedTokens(tokens(16), "")).isEqualTo(8);
  }

  private byte[] fill(int block) {
    int size = (int) LAYOUT.blockBytes();
    byte[] content = new byte[size];
    for (int i = 0; i < size; i++) {
      content[i] = (byte) (i * 31 + 7);
    }
    try (HostMemory host = device.allocateHost(size)) {
      MemorySegment.copy(MemorySegment.ofArray(content), 0, host.segment(), 0, size);
      stream.copy(cache.layers()[0].pool(), LAYOUT.blockOffset(block), host, 0, size);
      stream.synchronize();
    }
    return content;
  }

  private byte[] read(int block) {
    int size = (int) LAYOUT.blockBytes();
    byte[] content = new byte[size];
    try (HostMemory host = device.allocateHost(size)) {
      stream.copy(host, 0, cache.layers()[0].pool(), LAYOUT.blockOffset(block), size);
      stream.synchronize();
      MemorySegment.copy(host.segment(), 0, MemorySegment.ofArray(content), 0, size);
    }
    return content;
  }
}
