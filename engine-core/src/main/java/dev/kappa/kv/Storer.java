package dev.kappa.kv;

import dev.kappa.device.Clock;
import dev.kappa.device.Event;
import dev.kappa.kv.transfer.Lane;
import dev.kappa.kv.transfer.Transfer;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Copies full blocks to host memory, as the policy says. A store never waits for space, and it does
 * not hold its device block: if that is handed out for new content before the copy is done, its
 * generation has changed, and what was copied is thrown away. Confined to the engine thread.
 */
final class Storer {

  private static final Logger LOG = System.getLogger(Storer.class.getName());

  /** Keys that the selective policy remembers having seen once. */
  private static final int MAX_SEEN = 1 << 16;

  /** Part of the device's blocks that write-back stores before they come to be reused. */
  private static final int AHEAD_PART = 4;

  /** Blocks that it looks ahead in a small pool. */
  private static final int LEAST_AHEAD = 32;

  /**
   * A block that is to be stored.
   *
   * @param generation what makes sure that it still has its content
   * @param table who holds it; null for a free block
   * @param index its place there
   */
  private record Wanted(
      BlockKey key, int device, long generation, @Nullable BlockTable table, int index) {}

  private record Item(Wanted block, int host) {}

  private final DeviceTier device;
  private final HostTier host;
  private final KvLayout layout;
  private final StorePolicy policy;
  private final Lane lane;
  private final Clock clock;
  private final BlockCheck check;
  private final Supplier<Event> computed;
  private final Set<BlockKey> storing = new HashSet<>();
  private final Map<BlockKey, Boolean> seen = new LinkedHashMap<>();
  private final List<Wanted> wanted = new ArrayList<>();
  private long blocks;
  private long failed;
  private long skipped;
  private long discarded;

  /**
   * @param computed marks the end of what has been put on the compute stream; stores come after it
   */
  Storer(
      KvLayout layout,
      StorePolicy policy,
      DeviceTier device,
      HostTier host,
      Lane lane,
      Clock clock,
      BlockCheck check,
      Supplier<Event> computed) {
    this.layout = layout;
    this.policy = policy;
    this.device = device;
    this.host = host;
    this.lane = lane;
    this.clock = clock;
    this.check = check;
    this.computed = computed;
  }

  /** A block's content was computed. */
  void onComputed(BlockTable table, int index) {
    BlockKey key = table.knownKey(index);
    boolean wants =
        switch (policy) {
          case WRITE_THROUGH -> true;
          case SELECTIVE -> !isNew(key);
          case WRITE_BACK -> false;
        };
    offer(table, index, wants);
  }

  /** A block's content is used again. */
  void onReused(BlockTable table, int index) {
    offer(table, index, policy != StorePolicy.WRITE_BACK);
  }

  /**
   * Starts to store what was offered since the last call, and what then had to wait for host memory
   * that is on its way.
   */
  void flush() {
    if (policy == StorePolicy.WRITE_BACK) {
      addNextEvicted();
    }
    // Of two sequences that computed the same, one is enough.
    Set<BlockKey> once = new HashSet<>();
    wanted.removeIf(block -> !isUnchanged(block) || isStored(block.key) || !once.add(block.key));
    if (!wanted.isEmpty()) {
      store();
    }
  }

  /** Counts blocks that someone else has stored. */
  void count(int stored) {
    blocks += stored;
  }

  /** Blocks stored. */
  long blocks() {
    return blocks;
  }

  long failed() {
    return failed;
  }

  /** Blocks not stored for lack of a free host block. */
  long skipped() {
    return skipped;
  }

  /** Stores thrown away because their device block was handed out again. */
  long discarded() {
    return discarded;
  }

  private void offer(BlockTable table, int index, boolean wants) {
    if (table.host(index) >= 0) {
      return;
    }
    BlockKey key = table.knownKey(index);
    int there = host.pool().hold(key);
    if (there >= 0) {
      table.setHost(index, there);
    } else if (wants && !storing.contains(key)) {
      want(key, table.block(index), table, index);
    }
  }

  private void want(BlockKey key, int block, @Nullable BlockTable table, int index) {
    wanted.add(new Wanted(key, block, device.pool().generation(block), table, index));
  }

  /** Whether a block still has the content that it had when it was offered. */
  private boolean isUnchanged(Wanted block) {
    return device.pool().generation(block.device) == block.generation;
  }

  /** Whether a block is in host memory or on its way there. */
  private boolean isStored(BlockKey key) {
    return host.pool().contains(key) || storing.contains(key);
  }

  private boolean isNew(BlockKey key) {
    boolean first = seen.putIfAbsent(key, true) == null;
    if (seen.size() > MAX_SEEN) {
      var oldest = seen.entrySet().iterator();
      oldest.next();
      oldest.remove();
    }
    return first;
  }

  private void addNextEvicted() {
    // Ends of prefixes come first; stored, and released, they are to come last.
    int ahead = Math.max(LEAST_AHEAD, device.pool().total() / AHEAD_PART);
    for (BlockKey key : device.pool().nextEvicted(ahead).reversed()) {
      if (!isStored(key)) {
        want(key, device.pool().find(key), null, 0);
      }
    }
  }

  private void store() {
    host.demand(wanted.size());
    // Memory on its way is worth waiting for: nothing is evicted for a block that has to wait, and
    // what follows a block that is dropped could not be found.
    boolean growing = host.isGrowing();
    int room = host.pool().free() - (growing ? host.pool().cached() : 0);
    int count = Math.min(wanted.size(), room);
    List<Wanted> now = List.copyOf(wanted.subList(0, count));
    wanted.subList(0, count).clear();
    if (!growing) {
      skipped += wanted.size();
      wanted.clear();
    }
    if (count > 0) {
      store(now);
    }
  }

  private void store(List<Wanted> now) {
    int[] targets = host.pool().allocate(now.size());
    Runs runs = new Runs(layout, device, host);
    List<Item> items = new ArrayList<>();
    for (int i = 0; i < targets.length; i++) {
      Wanted block = now.get(i);
      storing.add(block.key);
      items.add(new Item(block, targets[i]));
      runs.add(block.device, targets[i]);
    }
    lane.submit(
        new Transfer(
            List.of(runs.toHost()),
            computed.get(),
            clock.nanos(),
            transfer -> settled(items, transfer)));
  }

  private void settled(List<Item> items, Transfer transfer) {
    if (transfer.failure() != null) {
      failed++;
      LOG.log(Level.WARNING, "a store failed; its blocks are not kept", transfer.failure());
    }
    for (Item item : items.reversed()) {
      storing.remove(item.block.key);
      boolean stored = transfer.isComplete() && isUnchanged(item.block);
      if (stored) {
        blocks++;
        host.pool().publish(item.host, item.block.key);
        check.stored(item.host);
      } else if (transfer.isComplete()) {
        discarded++;
      }
      handOver(item, stored);
    }
    touchAncestors(items.getFirst().block);
  }

  /** Gives a stored block to the table that it belongs to, if that still holds its original. */
  private void handOver(Item item, boolean stored) {
    BlockTable table = item.block.table;
    int index = item.block.index;
    if (stored
        && table != null
        && index < table.size()
        && table.block(index) == item.block.device
        && table.host(index) < 0) {
      table.setHost(index, item.host);
    } else {
      host.pool().release(item.host);
    }
  }

  /**
   * What comes before blocks that were stored after their sequence's end is to be evicted after
   * them.
   */
  private void touchAncestors(Wanted first) {
    BlockTable table = first.table;
    for (int index = first.index - 1; table != null && index >= 0; index--) {
      if (table.host(index) < 0) {
        host.pool().touch(table.knownKey(index));
      }
    }
  }
}
