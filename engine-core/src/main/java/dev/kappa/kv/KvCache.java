package dev.kappa.kv;

import dev.kappa.device.Clock;
import dev.kappa.device.Device;
import dev.kappa.device.KvLayer;
import dev.kappa.device.Stream;
import dev.kappa.kv.transfer.CopyListener;
import dev.kappa.kv.transfer.Lane;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The KV blocks of all tiers and everything that sequences do with them: find a cached prefix,
 * reserve, load, grow, publish, store, give back. Not thread-safe.
 */
public final class KvCache implements AutoCloseable {

  private final KvLayout layout;
  private final BlockKeys keys;
  private final KvOptions options;
  private final SlidingWindows windows;
  private final DeviceTier device;
  private final BlockPool pool;
  private final @Nullable HostSide host;
  private final @Nullable LongContexts longContexts;
  private final Producers producers;
  private final PrefixSearch search;
  private final Forecast forecast;
  private final Clock clock;
  private final KvDistributions distributions;
  private volatile Runnable progress = () -> {};

  /**
   * @param blocks blocks on the device
   * @param stream the stream that computes; copies within the device go there too, so that they are
   *     ordered with every kernel that reads or writes blocks
   * @param windows which blocks tokens see
   */
  public KvCache(
      Device device,
      KvLayout layout,
      int blocks,
      BlockKeys keys,
      Stream stream,
      KvOptions options,
      SlidingWindows windows) {
    this.layout = layout;
    this.keys = keys;
    this.options = options;
    this.windows = windows;
    this.device = new DeviceTier(device, layout, blocks, stream, options.check());
    pool = this.device.pool();
    producers = new Producers(keys, layout.blockTokens());
    try {
      host =
          options.hostBytes() < layout.blockBytes()
              ? null
              : new HostSide(
                  device, layout, options, windows, this.device, stream, () -> progress.run());
    } catch (RuntimeException e) {
      this.device.close();
      throw e;
    }
    clock = device.clock();
    distributions = KvDistributions.watch(clock, pool, host);
    search = new PrefixSearch(layout, keys, options.reuse(), pool, host, producers, windows);
    forecast = new Forecast(layout, host, producers, search, windows);
    longContexts =
        host == null
            ? null
            : new LongContexts(device, layout, keys, options, windows, this.device, host);
  }

  /**
   * What serves sequences that exceed the device.
   *
   * @throws IllegalStateException if there is no host memory
   */
  public LongContexts longContexts() {
    if (longContexts == null) {
      throw new IllegalStateException("no context exceeds the device without host memory");
    }
    return longContexts;
  }

  /** Whom to tell, from other threads, that there may be something to {@link #settle}. */
  public void onProgress(Runnable listener) {
    progress = listener;
  }

  /** Whom to tell of copies between the tiers; to be called before there are any. */
  public void onCopied(CopyListener listener) {
    if (host != null) {
      host.loads().onCopied(listener);
      host.stores().onCopied(listener);
    }
    if (longContexts != null) {
      longContexts.onCopied(listener);
    }
  }

  /** How what happens here is distributed. */
  public KvDistributions distributions() {
    return distributions;
  }

  /** What sequences would find here, and what loading it would take. */
  public Forecast forecast() {
    return forecast;
  }

  public KvLayout layout() {
    return layout;
  }

  /** Which blocks tokens see. */
  public SlidingWindows windows() {
    return windows;
  }

  /** Each layer's view of the blocks; the array is not copied. */
  public KvLayer[] layers() {
    return device.layers();
  }

  /** The books of the device's blocks, for reading. */
  public BlockPool pool() {
    return pool;
  }

  /** The books of the host's blocks, for reading; empty where there is no host memory. */
  public BlockPool hostPool() {
    return host == null ? new BlockPool(0) : host.pool();
  }

  /**
   * Gives an empty table the blocks of a sequence: cached ones for the longest known prefix, new
   * ones for the rest. What lies in host memory begins to be loaded at once.
   *
   * <p>At least one token is always left to compute, since its logits are wanted. Where even that
   * token is cached, its block is copied, and the copy is written to instead of the shared block.
   *
   * @param tokens the sequence's tokens
   * @param length how many of them there are
   * @param capacity tokens to have room for, at least {@code length}
   * @param ahead where blocks that nobody sees are given back, tokens behind the prefix that there
   *     is room for to begin with
   * @param use which cached blocks may serve
   * @param split how much of what lies in host memory is computed again
   * @return null if there are not enough free blocks; then nothing is held, but the prefix counts
   *     as just used
   */
  public @Nullable Reservation reserve(
      BlockTable table,
      int[] tokens,
      int length,
      int capacity,
      int ahead,
      PrefixUse use,
      RestoreSplit split) {
    if (table.size() != 0) {
      throw new IllegalStateException("the sequence holds blocks already");
    }
    int blockTokens = layout.blockTokens();
    long asked = clock.nanos();
    PrefixSearch.Held held = takePrefix(table, tokens, length, use);
    if (host != null && use == PrefixUse.ALL) {
      distributions.lookupSeconds().addNanos(clock.nanos() - asked);
    }
    List<Integer> missing = held.missing();
    int prefix = table.size();
    int total = layout.blocksFor(windows.room(capacity, prefix * blockTokens, ahead));
    boolean whole = prefix * blockTokens == length;
    boolean copyLast = whole && prefix > 0 && table.block(prefix - 1) >= 0;
    int needed = total - prefix + missing.size();
    if (copyLast && needed >= pool.free()) {
      // A copy needs a block on top of the sequence's own, which a small pool may not have.
      dropLast(table);
      prefix--;
      needed++;
      copyLast = false;
      whole = false;
    }
    if (needed + (copyLast ? 1 : 0) > pool.free()) {
      release(table);
      return null;
    }
    if (copyLast) {
      replaceLastByCopy(table);
    }
    int cached = prefix * blockTokens - (whole && prefix > 0 ? 1 : 0);
    fill(table, missing, total);
    if (options.reuse()) {
      int from = missing.isEmpty() ? cached / blockTokens : missing.getFirst();
      producers.add(table, from, length / blockTokens, tokens);
    }
    Reservation reservation =
        withoutHead(table, missing, cached, held.complete() ? split : RestoreSplit.LOAD_ALL);
    table.published(reservation.start() / blockTokens);
    load(table, held, whole ? prefix - 1 : -1);
    return reservation;
  }

  /** As the other, with room for all from the beginning. */
  public @Nullable Reservation reserve(
      BlockTable table, int[] tokens, int length, int capacity, PrefixUse use, RestoreSplit split) {
    return reserve(table, tokens, length, capacity, capacity, use, split);
  }

  /**
   * Makes room for so many tokens.
   *
   * @return whether there were enough free blocks; otherwise nothing has changed
   */
  public boolean grow(BlockTable table, int tokens) {
    int needed = layout.blocksFor(tokens) - table.size();
    if (needed > pool.free()) {
      return false;
    }
    extend(table, needed);
    return true;
  }

  /** Makes room for so many tokens, or for as many as there are free blocks for. */
  public void growTowards(BlockTable table, int tokens) {
    extend(table, Math.min(layout.blocksFor(tokens) - table.size(), pool.free()));
  }

  private void extend(BlockTable table, int count) {
    for (int block : device.allocate(Math.max(0, count))) {
      table.add(block);
    }
  }

  /**
   * Offers full blocks for reuse and for storing, and gives back what nobody sees any more.
   *
   * @param tokens the sequence's tokens
   * @param computed how many of them have their KV written, by work that is done
   */
  public void publish(BlockTable table, int[] tokens, int computed) {
    int blockTokens = layout.blockTokens();
    int full = computed / blockTokens;
    if (host != null && options.reuse()) {
      host.admission().reused(table);
    }
    for (int index = table.published(); options.reuse() && index < full; index++) {
      BlockKey key = table.key(index, keys, tokens, blockTokens);
      boolean anew = pool.publish(table.block(index), key);
      producers.remove(table, key);
      table.published(index + 1);
      if (host != null) {
        host.storer().onComputed(table, index, anew);
      }
    }
    slide(table, computed);
  }

  /** Gives back the blocks that no token from a position on sees. */
  private void slide(BlockTable table, int position) {
    int seen = windows.everywhere() ? windows.firstSeen(position) : 0;
    for (int index = table.firstHeld(); index < seen; index++) {
      if (index < table.produces()) {
        // What was loaded and is given back may be forgotten while the sequence runs on.
        producers.remove(table, table.knownKey(index));
      }
      releaseHost(table, index);
      int block = table.takeAway(index);
      if (block >= 0) {
        pool.release(block);
      }
    }
  }

  /** Takes note that a sequence goes on behind the part of its prefix that is being loaded. */
  public void resume(BlockTable table, int computed) {
    table.published(computed / layout.blockTokens());
  }

  /** Starts to store what was offered; to be called once per step. */
  public void flushStores() {
    if (host != null) {
      host.storer().flush();
    }
  }

  /**
   * Takes note of copies that are done; to be called between steps.
   *
   * @throws dev.kappa.device.DeviceException if a stream has failed
   */
  public void settle() {
    if (host != null) {
      host.settle();
    }
  }

  /** Whether no copy is under way and no memory on its way. */
  public boolean isIdle() {
    return host == null || host.isIdle();
  }

  /** Device blocks that become free as soon as copies in flight are done. */
  public int quarantined() {
    return host == null ? 0 : host.loader().quarantined();
  }

  /**
   * Gives all blocks back and gives up a load. The sequence's last blocks become reusable first, so
   * that what is evicted is always a leaf: a prefix never goes before what was built on it.
   */
  public void release(BlockTable table) {
    producers.removeAll(table);
    if (host != null) {
      host.loader().abandon(table);
    }
    for (int index = table.hostSize() - 1; index >= 0; index--) {
      releaseHost(table, index);
    }
    table.clearHost();
    while (table.size() > 0) {
      int block = table.removeLast();
      if (block >= 0) {
        pool.release(block);
      }
    }
    table.restart();
  }

  /** As {@link #release}, since what was being loaded has failed or does not come in time. */
  public void giveUpLoad(BlockTable table) {
    if (host != null) {
      host.loader().giveUp(table);
    }
    release(table);
  }

  /** Forgets what free device blocks contain; returns of how many. */
  public int clearDevice() {
    return pool.clear();
  }

  /** Forgets what free host blocks contain; returns of how many. */
  public int clearHost() {
    return host == null ? 0 : host.pool().clear();
  }

  /** The books and what was copied. */
  public KvStats stats() {
    KvStats.Tier onDevice = tier(pool);
    KvStats.Transfers none = new KvStats.Transfers(0, 0, 0, 0, 0);
    if (host == null) {
      KvStats.Tier empty = new KvStats.Tier(0, 0, 0, 0);
      return new KvStats(
          onDevice,
          empty,
          true,
          0,
          0,
          layout.blockBytes(),
          none,
          none,
          KvStats.Skipped.NONE,
          0,
          0,
          0,
          false,
          false);
    }
    Loader loader = host.loader();
    Storer storer = host.storer();
    return new KvStats(
        onDevice,
        tier(host.pool()),
        host.tier().isPinned(),
        loader.reading(),
        (int) (host.stores().unsettledBytes() / layout.blockBytes()),
        layout.blockBytes(),
        transfers(host.loads(), loader.blocks(), loader.failed() + host.corrupt(), longContexts),
        transfers(host.stores(), storer.blocks(), storer.failed(), null),
        storer.skipped(),
        storer.refused(),
        storer.discarded(),
        host.pool().evictedUnused(),
        host.admission().standsDown(),
        host.admission().isByFrequency());
  }

  /**
   * Recounts everything.
   *
   * @throws IllegalStateException if the books do not balance
   */
  public void checkIntegrity() {
    pool.checkIntegrity();
    if (host != null) {
      host.pool().checkIntegrity();
    }
  }

  /** Waits for copies in flight and frees all memory; the compute stream must be idle. */
  @Override
  public void close() {
    if (host != null) {
      host.close();
    }
    device.close();
  }

  /** Gives an empty table the longest known prefix. */
  private PrefixSearch.Held takePrefix(BlockTable table, int[] tokens, int length, PrefixUse use) {
    PrefixSearch.Held held = search.take(table, tokens, length, use);
    while (held == null) {
      release(table);
      held = search.take(table, tokens, length, use);
    }
    return held;
  }

  /**
   * Takes the tokens out of the missing ones that are computed after all; they have their device
   * blocks already.
   */
  private Reservation withoutHead(
      BlockTable table, List<Integer> missing, int cached, RestoreSplit split) {
    if (missing.isEmpty()) {
      return Reservation.of(cached, 0);
    }
    int blockTokens = layout.blockTokens();
    int first = missing.getFirst();
    int run = 1;
    while (run < missing.size() && missing.get(run) == first + run) {
      run++;
    }
    int start = first * blockTokens;
    int head = split.recompute(start, start + run * blockTokens, cached) / blockTokens;
    for (int index = first; index < first + head; index++) {
      releaseHost(table, index);
    }
    missing.subList(0, head).clear();
    if (head == 0) {
      return Reservation.of(cached, Math.min(cached, missing.size() * blockTokens));
    }
    int headEnd = start + head * blockTokens;
    if (headEnd >= cached) {
      return new Reservation(start, headEnd, headEnd, 0);
    }
    return new Reservation(start, headEnd, cached, missing.size() * blockTokens);
  }

  /** Gives device blocks to the missing places and to all up to {@code total}. */
  private void fill(BlockTable table, List<Integer> missing, int total) {
    int[] blocks = device.allocate(missing.size() + total - table.size());
    int next = 0;
    for (int index : missing) {
      table.set(index, blocks[next++]);
    }
    while (next < blocks.length) {
      table.add(blocks[next++]);
    }
  }

  private void load(BlockTable table, PrefixSearch.Held held, int privateIndex) {
    if (host != null && !held.missing().isEmpty()) {
      host.loader().begin(table, held.missing(), privateIndex, held.seen(), host.markComputed());
    }
  }

  private void dropLast(BlockTable table) {
    int index = table.size() - 1;
    releaseHost(table, index);
    pool.release(table.removeLast());
  }

  private void releaseHost(BlockTable table, int index) {
    int block = table.host(index);
    if (block >= 0 && host != null) {
      table.setHost(index, BlockTable.NONE);
      host.pool().release(block);
    }
  }

  private void replaceLastByCopy(BlockTable table) {
    int copy = device.allocate(1)[0];
    int shared = table.removeLast();
    device.copy(shared, copy);
    pool.release(shared);
    table.add(copy);
  }

  private static KvStats.Transfers transfers(
      Lane lane, long blocks, long failed, @Nullable LongContexts beside) {
    long bytes = lane.bytes() + (beside == null ? 0 : beside.bytesRead());
    long nanos = lane.copyNanos() + (beside == null ? 0 : beside.readCopyNanos());
    return new KvStats.Transfers(blocks, bytes, nanos, failed, lane.ceiling());
  }

  private static KvStats.Tier tier(BlockPool pool) {
    return new KvStats.Tier(pool.total(), pool.limit(), pool.total() - pool.free(), pool.cached());
  }
}
