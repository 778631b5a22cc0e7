package dev.kappa.kv;

import dev.kappa.device.Clock;
import dev.kappa.device.Event;
import dev.kappa.kv.transfer.Lane;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;

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

  private record Item(BlockKey key, int device, int host, boolean shared) {}

  private final KvLayout layout;
  private final KvOptions options;
  private final DeviceTier device;
  private final HostTier host;
  private final Lane lane;
  private final Clock clock;
  private final BlockCheck check;
  private final BlocksInUse reading;
  private int quarantined;
  private long blocks;
  private long failed;

  Loader(
      KvLayout layout,
      KvOptions options,
      DeviceTier device,
      HostTier host,
      Lane lane,
      Clock clock,
      BlockCheck check) {
    this.layout = layout;
    this.options = options;
    this.device = device;
    this.host = host;
    this.lane = lane;
    this.clock = clock;
    this.check = check;
    reading = new BlocksInUse(host.pool().limit());
  }

  /**
   * Starts to load blocks of a table that have a copy in host memory.
   *
   * @param indexes their places in the table, ascending
   * @param privateIndex place of a block that will be written to, so that nobody may share it
   * @param after when the target blocks are no longer used
   */
  void begin(BlockTable table, List<Integer> indexes, int privateIndex, Event after) {
    Runs runs = new Runs(layout, device, host);
    List<Item> items = new ArrayList<>();
    for (int index : indexes) {
      Item item =
          new Item(
              table.knownKey(index), table.block(index), table.host(index), index != privateIndex);
      device.pool().retain(item.device);
      host.pool().retain(item.host);
      reading.begin(item.host);
      runs.add(item.device, item.host);
      items.add(item);
    }
    long bytes = runs.blocks() * layout.blockBytes();
    int[] firstLayers = layout.groups(groups(bytes));
    long now = clock.nanos();
    long alone = alone(bytes);
    long due = now + SLACK * alone;
    Load load =
        new Load(
            lane,
            runs.toDevice(firstLayers),
            firstLayers,
            layout.layers(),
            items.size(),
            after,
            new Load.Times(now, due, due + SLACK * alone + options.loadTimeoutNanos()),
            done -> settled(table, items, done));
    table.load(load);
    load.submit();
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

  /** Host blocks that are read from. */
  int reading() {
    return reading.count();
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
      if (complete && item.shared) {
        check.loaded(item.device, item.host);
        device.pool().publish(item.device, item.key);
      }
      device.pool().release(item.device);
      host.pool().release(item.host);
      reading.end(item.host);
    }
    if (load.isAbandoned()) {
      quarantined -= items.size();
    } else if (complete) {
      table.load(null);
    }
  }
}
