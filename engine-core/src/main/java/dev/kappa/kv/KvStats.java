package dev.kappa.kv;

/**
 * The KV blocks of all tiers and what moved between them. Counters only grow.
 *
 * @param device blocks on the device
 * @param host blocks in host memory; its total grows while the pool is being filled with memory
 * @param hostPinned whether all host memory is pinned, or there is no need to; copies are slow
 *     otherwise
 * @param blockBytes bytes of one block
 * @param loads copies from host to device, those of contexts that are read in place included in
 *     bytes and time
 * @param stores copies from device to host
 * @param storesSkipped blocks not stored because no host block was free
 * @param storesDiscarded stores whose device block was reused before the copy was done
 * @param storesWasted stored blocks evicted without ever having been read
 */
public record KvStats(
    Tier device,
    Tier host,
    boolean hostPinned,
    long blockBytes,
    Transfers loads,
    Transfers stores,
    long storesSkipped,
    long storesDiscarded,
    long storesWasted) {

  /**
   * One tier.
   *
   * @param total blocks that there are
   * @param limit blocks that there may be
   * @param used blocks that sequences or transfers hold
   * @param cached blocks that nobody holds and whose content can be found
   */
  public record Tier(int total, int limit, int used, int cached) {}

  /**
   * One direction of the link.
   *
   * @param blocks blocks that were copied as a whole
   * @param bytes bytes copied
   * @param copyNanos time that the device spent copying, by its own clock
   * @param failed transfers that were refused, failed, corrupt or too late
   * @param ceiling bytes per second of the best copy measured at start-up; 0 if not measured
   */
  public record Transfers(long blocks, long bytes, long copyNanos, long failed, double ceiling) {

    /** Bytes per second while copying; 0 before the first copy. */
    public double rate() {
      return copyNanos == 0 ? 0 : bytes * 1e9 / copyNanos;
    }
  }
}
