package dev.kappa.kv;

/**
 * How KV is kept and moved.
 *
 * @param reuse whether prefixes are looked up at all
 * @param hostBytes most bytes of host memory; 0 for none
 * @param storePolicy when blocks are copied to host memory
 * @param restore what becomes of prefixes in host memory
 * @param layerGroups groups of layers that a load arrives in; 0 lets its size decide
 * @param loadTimeoutNanos how much later than predicted a load may be before it is given up
 * @param check whether freed blocks are poisoned and loaded blocks compared with what was stored
 */
public record KvOptions(
    boolean reuse,
    long hostBytes,
    StorePolicy storePolicy,
    RestoreMode restore,
    int layerGroups,
    long loadTimeoutNanos,
    boolean check) {

  /** Ten seconds: a link that stands still that long will not come back in time. */
  public static final long LOAD_TIMEOUT_NANOS = 10_000_000_000L;

  /** No host memory. */
  public static KvOptions deviceOnly(boolean reuse) {
    return new KvOptions(
        reuse, 0, StorePolicy.ADAPTIVE, RestoreMode.LOAD, 0, LOAD_TIMEOUT_NANOS, false);
  }
}
