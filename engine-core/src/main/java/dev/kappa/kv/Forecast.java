package dev.kappa.kv;

import org.jspecify.annotations.Nullable;

/**
 * What a sequence would find in the cache, and what loading it would take; changes nothing.
 * Confined to the engine thread.
 */
public final class Forecast {

  private final KvLayout layout;
  private final @Nullable HostSide host;
  private final Producers producers;
  private final PrefixSearch search;
  private final SlidingWindows windows;

  Forecast(
      KvLayout layout,
      @Nullable HostSide host,
      Producers producers,
      PrefixSearch search,
      SlidingWindows windows) {
    this.layout = layout;
    this.host = host;
    this.producers = producers;
    this.search = search;
    this.windows = windows;
  }

  /** Whether {@link KvCache#reserve} would load something from host memory. */
  public boolean wouldLoad(BlockTable table, int[] tokens, int length) {
    PrefixSearch.Found found = search.find(table, tokens, length, PrefixUse.ALL, false);
    for (int index = found.first(); index < found.blocks(); index++) {
      if (!search.isOnDevice(found, index, search.key(table, index, tokens))) {
        return true;
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
    PrefixSearch.Found found = search.find(table, tokens, length, use, true);
    int onHost = 0;
    long bytes = 0;
    for (int index = found.first(); index < found.blocks(); index++) {
      if (!search.isOnDevice(found, index, search.key(table, index, tokens))) {
        onHost++;
        bytes += windows.bytes(index, index + 1, found.blocks() * blockTokens);
      }
    }
    int produced = found.produced();
    int known = search.known(length, use);
    int more = produced < 0 ? 0 : producers.run(table, produced, known, tokens);
    int there = found.blocks() - onHost;
    return new Outlook(
        there * blockTokens, onHost * blockTokens, bytes, more * blockTokens, produced);
  }

  /** Whether the block that an {@link Outlook} says is being produced still is. */
  public boolean isProduced(BlockTable table, Outlook outlook) {
    return outlook.awaits() && search.isProduced(table.knownKey(outlook.awaited()));
  }

  /**
   * Bytes of a load.
   *
   * @param start first token that is loaded; begins a block
   * @param end ends a block
   * @param resume where computing goes on behind it
   */
  public long loadBytes(int start, int end, int resume) {
    return windows.bytes(start / layout.blockTokens(), end / layout.blockTokens(), resume);
  }

  /** How long a load of so many bytes would take if it were the only one, in nanoseconds. */
  public long loadNanos(long bytes) {
    return host == null ? 0 : (long) (bytes / host.loads().rate());
  }

  /** How long the loads that are under way will still take, in nanoseconds. */
  public long queueNanos() {
    return host == null ? 0 : host.loads().queueNanos(Long.MAX_VALUE);
  }

  /** How long those of them will take that come before one of so many bytes that begins now. */
  public long queueNanos(long bytes) {
    return host == null ? 0 : host.loader().queueNanos(bytes);
  }

  /** Groups of layers in which so many bytes would be loaded. */
  public int loadGroups(long bytes) {
    return host == null ? 1 : host.loader().groups(bytes);
  }
}
