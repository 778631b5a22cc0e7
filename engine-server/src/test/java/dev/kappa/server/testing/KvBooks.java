package dev.kappa.server.testing;

import dev.kappa.kv.KvStats;

/** Books of a KV cache without an engine behind them. */
public final class KvBooks {

  private KvBooks() {}

  /** So many blocks on the device, none in host memory. */
  public static KvStats of(int used, int cached, int total) {
    KvStats.Transfers none = new KvStats.Transfers(0, 0, 0, 0, 0);
    return new KvStats(
        new KvStats.Tier(total, total, used, cached),
        new KvStats.Tier(0, 0, 0, 0),
        1 << 20,
        none,
        none,
        0,
        0,
        0);
  }
}
