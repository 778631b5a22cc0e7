package dev.kappa.kv;

import dev.kappa.device.Device;
import dev.kappa.device.Event;
import dev.kappa.device.Resources;
import dev.kappa.device.Stream;
import dev.kappa.kv.transfer.Lane;

/**
 * Host memory and the way there and back: everything that exists only where KV is offloaded. Owns
 * it all; closed in the order that copies in flight require.
 */
final class HostSide implements AutoCloseable {

  private final Resources resources = new Resources();
  private final boolean restores;
  private final Stream compute;
  private final Event computed;
  private final HostTier tier;
  private final BlockCheck check;
  private final Lane loads;
  private final Lane stores;
  private final Loader loader;
  private final StoreAdmission admission;
  private final Storer storer;
  private long restored;
  private long corrupt;

  /**
   * @param progress called by other threads whenever there may be something to {@link #settle}
   */
  HostSide(
      Device device,
      KvLayout layout,
      KvOptions options,
      SlidingWindows windows,
      DeviceTier blocks,
      Stream compute,
      Runnable progress) {
    this.compute = compute;
    restores = options.restore() != RestoreMode.RECOMPUTE;
    boolean complete = false;
    try {
      tier =
          resources.own(
              new HostTier(device, layout.blockBytes(), options.hostBytes(), progress),
              HostTier::close);
      check =
          resources.own(
              new BlockCheck(device, layout, blocks, tier, options.check()), BlockCheck::close);
      computed = resources.own(device.newEvent(), Event::close);
      stores = resources.own(new Lane(device, "store", progress), Lane::close);
      loads = resources.own(new Lane(device, "load", progress), Lane::close);
      if (tier.pool().total() > 0) {
        loads.calibrate(device, blocks.memory(), tier.memory(0), layout.blockBytes());
        stores.calibrate(device, tier.memory(0), blocks.memory(), layout.blockBytes());
      }
      stores.yieldTo(loads);
      complete = true;
    } finally {
      if (!complete) {
        close();
      }
    }
    loader = new Loader(layout, options, windows, blocks, tier, loads, device.clock(), check);
    admission = new StoreAdmission(options.storePolicy(), tier);
    storer =
        new Storer(
            layout,
            options.storePolicy(),
            admission,
            blocks,
            tier,
            stores,
            device.clock(),
            check,
            this::markComputed);
  }

  /** Marks the end of what has been put on the compute stream. */
  Event markComputed() {
    compute.record(computed);
    return computed;
  }

  BlockPool pool() {
    return tier.pool();
  }

  HostTier tier() {
    return tier;
  }

  BlockCheck check() {
    return check;
  }

  Lane loads() {
    return loads;
  }

  Lane stores() {
    return stores;
  }

  Loader loader() {
    return loader;
  }

  Storer storer() {
    return storer;
  }

  StoreAdmission admission() {
    return admission;
  }

  /**
   * Finds the block with this content and holds it; -1 if there is none, or if it is not what was
   * stored, or if nothing is to be restored.
   */
  int acquire(BlockKey key) {
    int block = restores ? tier.pool().acquire(key) : BlockTable.NONE;
    if (block >= 0 && !check.isIntact(block)) {
      corrupt++;
      tier.pool().release(block);
      tier.pool().unpublish(key);
      return BlockTable.NONE;
    }
    return block;
  }

  /** Whether {@link #acquire} may find this content. */
  boolean contains(BlockKey key) {
    return restores && tier.pool().contains(key);
  }

  /** Blocks found to hold something else than what was stored. */
  long corrupt() {
    return corrupt;
  }

  /** Takes note of what has arrived: copies and memory. */
  void settle() {
    boolean grown = tier.adopt();
    loads.settle();
    stores.settle();
    long loaded = loader.blocks();
    if (loaded > restored) {
      admission.restored(loaded - restored);
      restored = loaded;
    }
    if (grown) {
      storer.flush();
    }
  }

  boolean isIdle() {
    return loads.isIdle() && stores.isIdle() && !tier.isGrowing();
  }

  /** Ends what copies first, then frees what it copied from and to. */
  @Override
  public void close() {
    resources.close();
  }
}
