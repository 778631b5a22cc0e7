package dev.kappa.kv;

import java.util.BitSet;
import java.util.Set;

/**
 * Which blocks of a sequence its next tokens see, layer by layer: layers with a sliding window see
 * the last tokens only. What they do not see need neither be loaded nor read, and where every layer
 * has a window, it need not be there at all. Windows begin at whole units here, since kernels read
 * whole tiles. Immutable.
 */
public final class SlidingWindows {

  private final KvLayout layout;
  private final BitSet windowed;
  private final int window;
  private final int unit;

  /**
   * @param tile tokens of a tile of attention
   * @param window tokens that layers with a window see, a row's own included
   * @param layers those that have one
   */
  public SlidingWindows(KvLayout layout, int tile, int window, Set<Integer> layers) {
    this.layout = layout;
    this.window = window;
    unit = LongContexts.unit(layout.blockTokens(), tile);
    windowed = new BitSet(layout.layers());
    layers.forEach(windowed::set);
    if (windowed.length() > layout.layers() || (window < 1 && !windowed.isEmpty())) {
      throw new IllegalArgumentException(
          "a window of %d tokens in layers %s of %d".formatted(window, layers, layout.layers()));
    }
  }

  /** Every layer sees everything. */
  public static SlidingWindows none(KvLayout layout) {
    return new SlidingWindows(layout, 1, Integer.MAX_VALUE, Set.of());
  }

  /** Whether a layer has a window. */
  boolean isWindowed(int layer) {
    return windowed.get(layer);
  }

  /** The first layer behind a given one that is of the other kind, or the number of layers. */
  int nextKind(int layer) {
    int next = isWindowed(layer) ? windowed.nextClearBit(layer) : windowed.nextSetBit(layer);
    return next < 0 ? layout.layers() : Math.min(next, layout.layers());
  }

  /** Whether some layer has a window. */
  boolean anywhere() {
    return !windowed.isEmpty();
  }

  /** Whether every layer has a window, so that no token sees what lies before it. */
  public boolean everywhere() {
    return windowed.cardinality() == layout.layers();
  }

  /** The first block that layers with a window see when tokens from a position on are computed. */
  int firstSeen(int position) {
    long first = anywhere() ? Math.max(0, (long) position - window + 1) : 0;
    return (int) (first / unit * (unit / layout.blockTokens()));
  }

  /**
   * Bytes that tokens from a position on see in all layers.
   *
   * @param from first block that counts
   * @param to end of those that count
   */
  long bytes(int from, int to, int position) {
    int all = to - from;
    return bytes(all, Math.clamp(to - firstSeen(position), 0, all));
  }

  /**
   * Bytes of blocks of which layers with a window see but some.
   *
   * @param inWindow how many these see
   */
  long bytes(int blocks, int inWindow) {
    long layers = windowed.cardinality();
    return layout.layerBytes() * (layers * inWindow + (layout.layers() - layers) * blocks);
  }

  /**
   * Tokens that a sequence gets blocks for at first, those of its prefix included: as many as it
   * may come to have, or, where it gives blocks back as it goes, those of its next step.
   *
   * @param capacity tokens that it is to have room for in the end
   * @param cached tokens of its prefix
   * @param ahead most tokens of a step
   */
  public int room(int capacity, int cached, int ahead) {
    return everywhere() ? Math.min(capacity, cached + ahead) : capacity;
  }

  /**
   * Most blocks that a sequence holds at a time.
   *
   * @param tokens how many it has
   * @param ahead most tokens that it has blocks for before they are computed
   */
  public int mostBlocks(int tokens, int ahead) {
    int all = layout.blocksFor(tokens);
    if (!everywhere()) {
      return all;
    }
    long kept = (long) window + unit + ahead + layout.blockTokens();
    return (int) Math.min(all, Math.ceilDiv(kept, layout.blockTokens()));
  }
}
