package dev.kappa.server.testing;

import dev.kappa.kv.KvStats;

/** Books of a KV cache without an engine behind them. */
public final class KvBooks {

  private KvBooks() {}

  /** Blocks of 1 MB on the device and in host memory, and copies at 8 of 10 and at 2 GB/s. */
  public static KvStats offloading() {
    return new KvStats(
        new KvStats.Tier(64, 64, 16, 8),
        new KvStats.Tier(128, 256, 3, 100),
        false,
        8,
        4,
        1_000_000,
        new KvStats.Transfers(40, 4_000_000_000L, 500_000_000, 2, 10e9),
        new KvStats.Transfers(30, 3_000_000_000L, 1_500_000_000, 0, 0),
        new KvStats.Skipped(1, 2, 3, 4, 1),
        5,
        12,
        13,
        true,
        false);
  }

  /** So many blocks on the device, none in host memory. */
  public static KvStats of(int used, int cached, int total) {
    KvStats.Transfers none = new KvStats.Transfers(0, 0, 0, 0, 0);
    return new KvStats(
        new KvStats.Tier(total, total, used, cached),
        new KvStats.Tier(0, 0, 0, 0),
        true,
        0,
        0,
        1 << 20,
        none,
        none,
        KvStats.Skipped.NONE,
        0,
        0,
        0,
        false,
        false);
  }
}
