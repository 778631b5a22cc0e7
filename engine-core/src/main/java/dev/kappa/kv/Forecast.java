package dev.kappa.kv;

import org.jspecify.annotations.Nullable;

/**
 * What a sequence would find in the cache, and what loading it would take; changes nothing.
 * Confined to the engine thread.
 */
public final class Forecast {

  private final KvLayout layout;
  private final BlockKeys keys;
  private final boolean reuse;
  private final BlockPool pool;
  private final @Nullable HostSide host;
  private final Producers producers;

  /**
   * @param reuse whether prefixes are looked up at all
   */
  Forecast(
      KvLayout layout,
      BlockKeys keys,
      boolean reuse,
      BlockPool pool,
      @Nullable HostSide host,
      Producers producers) {
    this.layout = layout;
    this.keys = keys;
    this.reuse = reuse;
    this.pool = pool;
    this.host = host;
    this.producers = producers;
  }

  /** Whether {@link KvCache#reserve} would load something from host memory. */
  public boolean wouldLoad(BlockTable table, int[] tokens, int length) {
    if (host == null || !reuse) {
      return false;
    }
    for (int index = 0; index < length / layout.blockTokens(); index++) {
      BlockKey key = table.key(index, keys, tokens, layout.blockTokens());
      if (!pool.contains(key)) {
        return host.contains(key);
      }
    }
    return false;
  }

  /**
   * What a waiting sequence would find.
   *
   * @param use which cached blocks may serve it
   */
  public Outlook outlook(BlockTable table, int[] tokens, int length, PrefixUse use) {
    int blockTokens = layout.blockTokens();
    int onDevice = 0;
    int onHost = 0;
    int produced = BlockTable.NONE;
    int known = reuse && use != PrefixUse.NONE ? length / blockTokens : 0;
    int index = 0;
    for (; index < known; index++) {
      BlockKey key = table.key(index, keys, tokens, blockTokens);
      if (pool.contains(key)) {
        onDevice++;
      } else if (producers.has(key)) {
        produced = index;
        break;
      } else if (host != null && use == PrefixUse.ALL && host.contains(key)) {
        onHost++;
      } else {
        break;
      }
    }
    int more = produced < 0 ? 0 : producers.run(table, index, known, tokens);
    return new Outlook(onDevice * blockTokens, onHost * blockTokens, more * blockTokens, produced);
  }

  /** Whether the block that an {@link Outlook} says is being produced still is. */
  public boolean isProduced(BlockTable table, Outlook outlook) {
    if (!outlook.awaits()) {
      return false;
    }
    BlockKey key = table.knownKey(outlook.awaited());
    // What is loaded is findable as soon as it is there, though its sequence runs on.
    return producers.has(key) && !pool.contains(key);
  }

  /** How long a load of so many tokens would take if it were the only one, in nanoseconds. */
  public long loadNanos(long tokens) {
    return host == null ? 0 : (long) (tokens * layout.bytesPerToken() / host.loads().rate());
  }

  /** How long the loads that are under way will still take, in nanoseconds. */
  public long queueNanos() {
    return host == null ? 0 : host.loads().queueNanos(Long.MAX_VALUE);
  }

  /** How long those of them will take that come before one of so many tokens that begins now. */
  public long queueNanos(long tokens) {
    return host == null ? 0 : host.loader().queueNanos(tokens * layout.bytesPerToken());
  }

  /** Groups of layers in which so many tokens would be loaded. */
  public int loadGroups(long tokens) {
    return host == null ? 1 : host.loader().groups(tokens * layout.bytesPerToken());
  }
}
