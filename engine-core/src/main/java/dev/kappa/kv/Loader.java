package dev.kappa.kv;

import dev.kappa.device.Clock;
import dev.kappa.device.Event;
import dev.kappa.kv.transfer.Lane;
import dev.kappa.kv.transfer.Rows;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Brings blocks from host memory back to the device. While a load is under way it holds its source
 * and its target blocks, whatever becomes of the sequence: so no late copy ever reaches a block
 * that someone else uses. Confined to the engine thread.
 */
final class Loader {

  private static final Logger LOG = System.getLogger(Loader.class.getName());

  /** Most groups of layers of a load that decides itself. */
  private static final int MAX_GROUPS = 16;

  /** Groups of fewer bytes are not worth their copies. */
  private static final long MIN_GROUP_BYTES = 256 << 10;

  /** A load should be done within so many times what it takes alone. */
  private static final int SLACK = 2;

  /**
   * A block that is loaded.
   *
   * @param key what it will be found by; null if it may not be shared
   */
  private record Item(@Nullable BlockKey key, int device, int host) {}

  private final KvLayout layout;
  private final KvOptions options;
  private final SlidingWindows windows;
  private final DeviceTier device;
  private final HostTier host;
  private final Lane lane;
  private final Clock clock;
  private final BlockCheck check;
  private int quarantined;
  private long blocks;
  private long failed;

  Loader(
      KvLayout layout,
      KvOptions options,
      SlidingWindows windows,
      DeviceTier device,
      HostTier host,
      Lane lane,
      Clock clock,
      BlockCheck check) {
    this.layout = layout;
    this.options = options;
    this.windows = windows;
    this.device = device;
    this.host = host;
    this.lane = lane;
    this.clock = clock;
    this.check = check;
  }

  /**
   * Starts to load blocks of a table that have a copy in host memory, as far as they are seen.
   *
   * @param indexes their places in the table, ascending
   * @param privateIndex place of a block that will be written to, so that nobody may share it
   * @param seen the first place that layers with a window see
   * @param after when the target blocks are no longer used
   */
  void begin(BlockTable table, List<Integer> indexes, int privateIndex, int seen, Event after) {
    Runs all = new Runs(layout, device, host);
    Runs inWindow = new Runs(layout, device, host);
    List<Item> items = new ArrayList<>();
    for (int index : indexes) {
      BlockKey key = index < seen ? table.knownKey(index).inPart() : table.knownKey(index);
      int to = table.block(index);
      int from = table.host(index);
      items.add(new Item(index == privateIndex ? null : key, to, from));
      device.pool().retain(to);
      host.pool().retain(from);
      all.add(to, from);
      if (index >= seen) {
        inWindow.add(to, from);
      }
    }
    List<Integer> firstLayers = new ArrayList<>();
    List<List<Rows>> copies = copies(all, inWindow, firstLayers);
    long now = clock.nanos();
    long alone = alone(windows.bytes(all.blocks(), inWindow.blocks()));
    long due = now + SLACK * alone;
    Load load =
        new Load(
            lane,
            copies,
            firstLayers.stream().mapToInt(Integer::intValue).toArray(),
            layout.layers(),
            items.size(),
            after,
            new Load.Times(now, due, due + SLACK * alone + options.loadTimeoutNanos()),
            done -> settled(table, items, done));
    table.load(load);
    load.submit();
  }

  /**
   * Copies by groups of layers, of which those that copy nothing are left out.
   *
   * @param all blocks that layers without a window see
   * @param inWindow those of them that the others see
   * @param firstLayers gets the first layer of each group
   */
  private List<List<Rows>> copies(Runs all, Runs inWindow, List<Integer> firstLayers) {
    boolean alike = all.blocks() == inWindow.blocks();
    int[] first = layout.groups(groups(windows.bytes(all.blocks(), inWindow.blocks())));
    List<List<Rows>> groups = new ArrayList<>();
    for (int group = 0; group < first.length; group++) {
      int end = group + 1 < first.length ? first[group + 1] : layout.layers();
      List<Rows> copies = new ArrayList<>();
      int next;
      for (int layer = first[group]; layer < end; layer = next) {
        next = alike ? end : Math.min(end, windows.nextKind(layer));
        copies.addAll((windows.isWindowed(layer) ? inWindow : all).toDevice(layer, next));
      }
      if (!copies.isEmpty()) {
        groups.add(copies);
        firstLayers.add(first[group]);
      }
    }
    return groups;
  }

  /** Gives a table's load up; its blocks stay in quarantine until nothing moves any more. */
  void abandon(BlockTable table) {
    Load load = table.load();
    table.load(null);
    if (load != null && !load.isSettled()) {
      quarantined += load.blocks();
      load.abandon();
    }
  }

  /** As {@link #abandon}, for a load that is overdue or has failed. */
  void giveUp(BlockTable table) {
    Load load = table.load();
    if (load != null && !load.isSettled()) {
      failed++;
      LOG.log(Level.WARNING, "a load is late; its tokens are computed again");
    }
    abandon(table);
  }

  /** Device blocks that only a copy in flight holds. */
  int quarantined() {
    return quarantined;
  }

  /** Blocks loaded. */
  long blocks() {
    return blocks;
  }

  /** Loads that did not arrive, or not in time. */
  long failed() {
    return failed;
  }

  /** How long a load of so many bytes that begins now would wait for others, in nanoseconds. */
  long queueNanos(long bytes) {
    return lane.queueNanos(clock.nanos() + SLACK * alone(bytes));
  }

  private long alone(long bytes) {
    return (long) (bytes / lane.rate());
  }

  /** Groups of layers in which so many bytes are loaded. */
  int groups(long bytes) {
    if (options.layerGroups() > 0) {
      return Math.min(options.layerGroups(), layout.layers());
    }
    return (int) Math.clamp(bytes / MIN_GROUP_BYTES, 1, Math.min(MAX_GROUPS, layout.layers()));
  }

  private void settled(BlockTable table, List<Item> items, Load load) {
    boolean complete = load.transfer().isComplete();
    if (complete) {
      blocks += items.size();
    } else if (load.transfer().failure() != null && !load.isAbandoned()) {
      failed++;
      LOG.log(
          Level.WARNING, "a load failed; its tokens are computed again", load.transfer().failure());
    }
    // The end of the prefix first, so that it is evicted first.
    for (Item item : items.reversed()) {
      if (complete && item.key != null) {
        if (!item.key.partial()) {
          check.loaded(item.device, item.host);
        }
        device.pool().publish(item.device, item.key);
      }
      device.pool().release(item.device);
      host.pool().release(item.host);
    }
    if (load.isAbandoned()) {
      quarantined -= items.size();
    } else if (complete) {
      table.load(null);
    }
  }
}
