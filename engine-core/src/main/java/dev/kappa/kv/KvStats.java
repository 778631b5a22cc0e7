package dev.kappa.kv;

/**
 * The KV blocks of all tiers and what moved between them. Counters only grow.
 *
 * @param device blocks on the device
 * @param host blocks in host memory; its total grows while the pool is being filled with memory
 * @param hostPinned whether all host memory is pinned, or there is no need to; copies are slow
 *     otherwise
 * @param hostReading host blocks that loads in flight read from; reading in place is no load
 * @param hostWriting host blocks that stores in flight write to
 * @param blockBytes bytes of one block
 * @param loads copies from host to device, those of contexts that are read in place included in
 *     bytes and time
 * @param stores copies from device to host
 * @param storesSkipped blocks that were not stored, by reason
 * @param storesRefused how often blocks were to be stored and host memory had too few that could be
 *     had
 * @param storesDiscarded stores whose device block was reused before the copy was done
 * @param storesWasted stored blocks evicted without ever having been read
 * @param storesStandDown whether storing has stood down because nothing that was stored is read
 * @param storesByFrequency whether a full host memory takes only what was asked for more often than
 *     what would have to go
 */
public record KvStats(
    Tier device,
    Tier host,
    boolean hostPinned,
    int hostReading,
    int hostWriting,
    long blockBytes,
    Transfers loads,
    Transfers stores,
    Skipped storesSkipped,
    long storesRefused,
    long storesDiscarded,
    long storesWasted,
    boolean storesStandDown,
    boolean storesByFrequency) {

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
   * Blocks that were offered for storing and not stored. A block counts each time it is offered.
   *
   * @param noSpace all host blocks are in use
   * @param backlog too much waits for the link already
   * @param admission the block that would have had to go was asked for as often
   * @param standDown nothing that was stored is read, and the block was not asked for before
   * @param parent the block before it is not in host memory, so it could not be found
   */
  public record Skipped(long noSpace, long backlog, long admission, long standDown, long parent) {

    /** None. */
    public static final Skipped NONE = new Skipped(0, 0, 0, 0, 0);

    /** All of them. */
    public long total() {
      return noSpace + backlog + admission + standDown + parent;
    }
  }

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
