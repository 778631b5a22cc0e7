package dev.kappa.kv;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the longest prefix of a sequence that need not be computed. Without sliding windows it ends
 * before the first block that is nowhere. Layers with a window need just the blocks that the token
 * behind the prefix sees; so a block before these serves even if only layers without a window have
 * their content there, and where there are no such layers, it may be missing. Confined to the
 * engine thread.
 */
final class PrefixSearch {

  /**
   * A prefix.
   *
   * @param blocks of the sequence, from its first on
   * @param first the first of them that is needed
   * @param seen the first of them that layers with a window need
   * @param produced the block behind it, if another sequence is producing it; or -1
   */
  record Found(int blocks, int first, int seen, int produced) {}

  /**
   * A prefix that a table holds.
   *
   * @param missing places of blocks that are in host memory only, ascending
   * @param seen the first place that layers with a window see
   * @param complete whether all that the first of them sees is on the device, so that it could be
   *     computed
   */
  record Held(List<Integer> missing, int seen, boolean complete) {}

  private final KvLayout layout;
  private final BlockKeys keys;
  private final boolean reuse;
  private final BlockPool pool;
  private final @Nullable HostSide host;
  private final Producers producers;
  private final SlidingWindows windows;

  /**
   * @param reuse whether prefixes are looked up at all
   */
  PrefixSearch(
      KvLayout layout,
      BlockKeys keys,
      boolean reuse,
      BlockPool pool,
      @Nullable HostSide host,
      Producers producers,
      SlidingWindows windows) {
    this.layout = layout;
    this.keys = keys;
    this.reuse = reuse;
    this.pool = pool;
    this.host = host;
    this.producers = producers;
    this.windows = windows;
  }

  /** Blocks of so many tokens that may be known. */
  int known(int length, PrefixUse use) {
    return reuse && use != PrefixUse.NONE ? length / layout.blockTokens() : 0;
  }

  /** The key of a block whose tokens are all known. */
  BlockKey key(BlockTable table, int index, int[] tokens) {
    return table.key(index, keys, tokens, layout.blockTokens());
  }

  /**
   * Looks for the longest prefix; changes nothing.
   *
   * @param awaits whether the prefix ends before a block that another sequence is producing
   */
  Found find(BlockTable table, int[] tokens, int length, PrefixUse use, boolean awaits) {
    int known = known(length, use);
    int best = 0;
    int incomplete = BlockTable.NONE;
    int produced = BlockTable.NONE;
    for (int index = 0; index < known; index++) {
      BlockKey key = key(table, index, tokens);
      boolean onDevice = pool.contains(key);
      if (awaits && isProduced(key)) {
        produced = index;
        break;
      }
      if (!onDevice && !(use == PrefixUse.ALL && host != null && host.contains(key))) {
        if (!windows.everywhere() && !isInPart(key)) {
          break;
        }
        incomplete = index;
      }
      if (incomplete < firstSeen(index + 1, length)) {
        best = index + 1;
      }
    }
    int seen = firstSeen(best, length);
    int first = windows.everywhere() ? seen : 0;
    return new Found(best, first, seen, produced == best ? produced : BlockTable.NONE);
  }

  /** Whether what is needed of a block of a prefix is on the device. */
  boolean isOnDevice(Found found, int index, BlockKey key) {
    return pool.contains(key) || (index < found.seen && isInPart(key));
  }

  /**
   * Gives an empty table the longest prefix. Blocks that are in host memory have no device block
   * yet, and those that nobody sees have none at all.
   *
   * @return null if a block turned out to be spoiled, which is then unknown; the table is to be
   *     released, and it is to be tried again
   */
  @Nullable Held take(BlockTable table, int[] tokens, int length, PrefixUse use) {
    Found found = find(table, tokens, length, use, false);
    List<Integer> missing = new ArrayList<>();
    int incomplete = found.first - 1;
    for (int index = 0; index < found.first; index++) {
      table.add(BlockTable.NONE);
    }
    for (int index = found.first; index < found.blocks; index++) {
      BlockKey key = key(table, index, tokens);
      if (holdWhole(table, index, key)) {
        continue;
      }
      int part = index < found.seen ? pool.acquire(key.inPart()) : BlockTable.NONE;
      table.add(part);
      if (part >= 0) {
        incomplete = missing.isEmpty() ? index : incomplete;
        continue;
      }
      int stored = host == null ? BlockTable.NONE : host.acquire(key);
      if (stored < 0) {
        return null;
      }
      table.setHost(index, stored);
      missing.add(index);
    }
    int position = missing.isEmpty() ? 0 : missing.getFirst() * layout.blockTokens();
    return new Held(missing, found.seen, incomplete < windows.firstSeen(position));
  }

  /** Adds a block of which all layers are on the device, if there is one. */
  private boolean holdWhole(BlockTable table, int index, BlockKey key) {
    int block = pool.acquire(key);
    if (block < 0) {
      return false;
    }
    table.add(block);
    if (host != null) {
      host.storer().onReused(table, index);
    }
    return true;
  }

  /** Whether another sequence will bring forth a block's content. */
  boolean isProduced(BlockKey key) {
    // What is loaded is findable as soon as it is there, though its sequence runs on.
    return producers.has(key) && !pool.contains(key) && !isInPart(key);
  }

  private boolean isInPart(BlockKey key) {
    return windows.anywhere() && pool.contains(key.inPart());
  }

  /**
   * The first block that is seen from behind a prefix. Of one that is all there is, the last token
   * is computed once more.
   */
  private int firstSeen(int blocks, int length) {
    int end = blocks * layout.blockTokens();
    return windows.firstSeen(end < length ? end : Math.max(0, end - layout.blockTokens()));
  }
}
