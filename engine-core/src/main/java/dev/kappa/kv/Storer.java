package dev.kappa.kv;

import dev.kappa.device.Clock;
import dev.kappa.device.Event;
import dev.kappa.kv.transfer.Lane;
import dev.kappa.kv.transfer.Transfer;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Copies full blocks to host memory, as the policy says. A store never waits for space, and it does
 * not hold its device block: if that is handed out for new content before the copy is done, its
 * generation has changed, and what was copied is thrown away. Confined to the engine thread.
 */
final class Storer {

  private static final Logger LOG = System.getLogger(Storer.class.getName());

  /** Part of the device's blocks that write-back stores before they come to be reused. */
  private static final int AHEAD_PART = 4;

  /** Blocks that it looks ahead in a small pool. */
  private static final int LEAST_AHEAD = 32;

  /** Link time that may wait. */
  private static final long BACKLOG_NANOS = 500_000_000;

  /**
   * Part of the device's blocks that may wait for a slow link. What waits has lost its source in
   * the end only if blocks are reused so many times as fast as the link takes them.
   */
  private static final int BACKLOG_PART = 8;

  /** Blocks that may wait in any case. */
  private static final int LEAST_BACKLOG = 8;

  /**
   * A block that is to be stored.
   *
   * @param generation what makes sure that it still has its content
   * @param table who holds it; null for a free block
   * @param index its place there
   */
  private record Wanted(
      BlockKey key, int device, long generation, @Nullable BlockTable table, int index) {

    /** Whether it belongs to a sequence that is stored in any case. */
    boolean sampled() {
      return table != null && table.isSampled();
    }

    /** Whether the block before it, if there is one and it is known, is stored. */
    boolean follows(Predicate<BlockKey> isStored) {
      return table == null || index == 0 || isStored.test(table.knownKey(index - 1));
    }
  }

  private record Item(Wanted block, int host) {}

  /** Why a block is not stored; see {@link KvStats.Skipped}. */
  private enum Skip {
    NO_SPACE,
    BACKLOG,
    ADMISSION,
    STAND_DOWN,
    PARENT
  }

  private final DeviceTier device;
  private final HostTier host;
  private final KvLayout layout;
  private final StorePolicy policy;
  private final StoreAdmission admission;
  private final Lane lane;
  private final Clock clock;
  private final BlockCheck check;
  private final Supplier<Event> computed;
  private final Set<BlockKey> storing = new HashSet<>();
  private final List<Wanted> wanted = new ArrayList<>();
  private final long[] skipped = new long[Skip.values().length];
  private int waiting;
  private long blocks;
  private long failed;
  private long discarded;

  /**
   * @param computed marks the end of what has been put on the compute stream; stores come after it
   */
  Storer(
      KvLayout layout,
      StorePolicy policy,
      StoreAdmission admission,
      DeviceTier device,
      HostTier host,
      Lane lane,
      Clock clock,
      BlockCheck check,
      Supplier<Event> computed) {
    this.layout = layout;
    this.policy = policy;
    this.admission = admission;
    this.device = device;
    this.host = host;
    this.lane = lane;
    this.clock = clock;
    this.check = check;
    this.computed = computed;
  }

  /**
   * A block's content was computed.
   *
   * @param anew whether no other block on the device has it
   */
  void onComputed(BlockTable table, int index, boolean anew) {
    boolean known = admission.computed(table, index, anew);
    boolean wants =
        switch (policy) {
          case ADAPTIVE, WRITE_THROUGH, FREQUENCY -> true;
          case SELECTIVE -> known;
          case WRITE_BACK -> false;
        };
    boolean idle = !known && !table.isSampled() && admission.standsDown() && host.isFull();
    if (wants && idle) {
      skipped[Skip.STAND_DOWN.ordinal()]++;
    }
    offer(table, index, wants && !idle);
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
    if (wanted.isEmpty()) {
      return;
    }
    // Of two sequences that computed the same, one is enough.
    wanted.removeIf(
        block -> !isUnchanged(block) || host.pool().contains(block.key) || !storing.add(block.key));
    if (!wanted.isEmpty()) {
      host.demand(wanted.size());
      List<Wanted> now = choose();
      if (!now.isEmpty()) {
        store(now);
      }
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

  /** Blocks offered and not stored. */
  KvStats.Skipped skipped() {
    return new KvStats.Skipped(
        skipped[Skip.NO_SPACE.ordinal()],
        skipped[Skip.BACKLOG.ordinal()],
        skipped[Skip.ADMISSION.ordinal()],
        skipped[Skip.STAND_DOWN.ordinal()],
        skipped[Skip.PARENT.ordinal()]);
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
    } else if (wants) {
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

  private void addNextEvicted() {
    // Ends of prefixes come first; stored, and released, they are to come last.
    int ahead = Math.max(LEAST_AHEAD, device.pool().total() / AHEAD_PART);
    for (BlockKey key : device.pool().nextEvicted(ahead).reversed()) {
      // What is there in part came from host memory.
      if (!key.partial() && !isStored(key)) {
        want(key, device.pool().find(key), null, 0);
      }
    }
  }

  /**
   * Takes what is to be stored now out of {@link #wanted}. What stays there waits for memory on its
   * way, which is worth waiting for: nothing is evicted meanwhile.
   */
  private List<Wanted> choose() {
    boolean growing = host.isGrowing();
    int empty = host.pool().free() - host.pool().cached();
    int backlog = backlog();
    // Blocks without content are the first to be handed out.
    List<BlockKey> victims =
        growing || !admission.isByFrequency()
            ? List.of()
            : host.pool().nextEvicted(empty + wanted.size());
    List<Wanted> chosen = new ArrayList<>();
    int decided = 0;
    while (decided < wanted.size() && !(growing && chosen.size() == empty)) {
      Wanted block = wanted.get(decided++);
      Skip why = whyNot(block, chosen.size(), backlog, chosen.size() - empty, victims);
      if (why == null) {
        chosen.add(block);
      } else {
        storing.remove(block.key);
        skipped[why.ordinal()]++;
      }
    }
    wanted.subList(0, decided).clear();
    for (Wanted block : wanted) {
      storing.remove(block.key);
    }
    return chosen;
  }

  /**
   * Why a block is not stored; null if it is.
   *
   * @param before blocks chosen before it
   * @param backlog how many may be chosen
   * @param victim number of the block with content that would have to go; negative for none
   * @param victims such blocks, where it matters which they are
   */
  private @Nullable Skip whyNot(
      Wanted block, int before, int backlog, int victim, List<BlockKey> victims) {
    if (before >= host.pool().free()) {
      return Skip.NO_SPACE;
    }
    if (before >= backlog) {
      return Skip.BACKLOG;
    }
    if (victim >= 0
        && !block.sampled()
        && admission.isByFrequency()
        && !admission.admits(block.key, victims.get(victim))) {
      return Skip.ADMISSION;
    }
    return block.follows(this::isStored) ? null : Skip.PARENT;
  }

  /** Blocks that may still be added to what waits for the link. */
  private int backlog() {
    int least = Math.max(LEAST_BACKLOG, device.pool().total() / BACKLOG_PART);
    return (int) Math.max(least, lane.rate() * BACKLOG_NANOS / layout.blockBytes()) - waiting;
  }

  private void store(List<Wanted> now) {
    int[] targets = host.pool().allocate(now.size());
    Runs runs = new Runs(layout, device, host);
    List<Item> items = new ArrayList<>();
    for (int i = 0; i < targets.length; i++) {
      Wanted block = now.get(i);
      items.add(new Item(block, targets[i]));
      runs.add(block.device, targets[i]);
    }
    waiting += items.size();
    lane.submit(
        new Transfer(
                List.of(runs.toHost()),
                computed.get(),
                clock.nanos(),
                transfer -> settled(items, transfer))
            .inBackground());
  }

  private void settled(List<Item> items, Transfer transfer) {
    waiting -= items.size();
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
