package dev.kappa.kv;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.KvLayer;
import dev.kappa.device.Stream;

/**
 * The KV blocks on the device and everything that sequences do with them: find a cached prefix,
 * reserve, grow, publish, give back. Not thread-safe.
 */
public final class KvCache implements AutoCloseable {

  private final KvLayout layout;
  private final BlockKeys keys;
  private final Stream stream;
  private final boolean reuse;
  private final BlockPool pool;
  private final DeviceMemory memory;
  private final KvLayer[] layers;

  /**
   * @param blocks blocks on the device
   * @param stream the stream that computes; copies within the pool go there too, so that they are
   *     ordered with every kernel that reads or writes blocks
   * @param reuse whether prefixes are looked up at all
   */
  public KvCache(
      Device device, KvLayout layout, int blocks, BlockKeys keys, Stream stream, boolean reuse) {
    this.layout = layout;
    this.keys = keys;
    this.stream = stream;
    this.reuse = reuse;
    pool = new BlockPool(blocks);
    memory = device.allocate(blocks * layout.blockBytes());
    layers = new KvLayer[layout.layers()];
    for (int layer = 0; layer < layers.length; layer++) {
      layers[layer] = layout.layer(memory, layer);
    }
  }

  public KvLayout layout() {
    return layout;
  }

  /** Each layer's view of the blocks; the array is not copied. */
  public KvLayer[] layers() {
    return layers;
  }

  /** The books, for reading. */
  public BlockPool pool() {
    return pool;
  }

  /** The books and what was copied. */
  public KvStats stats() {
    KvStats.Tier device =
        new KvStats.Tier(pool.total(), pool.total(), pool.total() - pool.free(), pool.cached());
    KvStats.Transfers none = new KvStats.Transfers(0, 0, 0, 0, 0);
    return new KvStats(
        device, new KvStats.Tier(0, 0, 0, 0), layout.blockBytes(), none, none, 0, 0, 0);
  }

  /** An empty table for a new sequence. */
  public BlockTable newTable(String salt) {
    return new BlockTable(keys.root(salt));
  }

  /**
   * Gives an empty table the blocks of a sequence: cached ones for the longest known prefix, new
   * ones for the rest.
   *
   * <p>At least one token is always left to compute, since its logits are wanted. Where even that
   * token is cached, its block is copied, and the copy is written to instead of the shared block.
   *
   * @param tokens the sequence's tokens
   * @param length how many of them there are
   * @param capacity tokens to have room for, at least {@code length}
   * @param usePrefix whether cached blocks may serve
   * @return the tokens whose KV is there already, or -1 if there are not enough free blocks; then
   *     nothing is held, but the prefix counts as just used
   */
  public int reserve(BlockTable table, int[] tokens, int length, int capacity, boolean usePrefix) {
    if (table.size() != 0) {
      throw new IllegalStateException("the sequence holds blocks already");
    }
    int blockTokens = layout.blockTokens();
    int whole = reuse && usePrefix ? length / blockTokens : 0;
    while (table.size() < whole) {
      int found = pool.acquire(table.key(table.size(), keys, tokens, blockTokens));
      if (found < 0) {
        break;
      }
      table.add(found);
    }
    boolean copyLast = table.size() * blockTokens == length;
    if (copyLast && layout.blocksFor(capacity) - table.size() >= pool.free()) {
      // A copy needs a block on top of the sequence's own, which a small pool may not have.
      pool.release(table.removeLast());
      copyLast = false;
    }
    if (layout.blocksFor(capacity) - table.size() + (copyLast ? 1 : 0) > pool.free()) {
      release(table);
      return -1;
    }
    int cachedTokens = table.size() * blockTokens - (copyLast ? 1 : 0);
    if (copyLast) {
      replaceLastByCopy(table);
    }
    table.published(cachedTokens / blockTokens);
    while (table.size() < layout.blocksFor(capacity)) {
      table.add(pool.allocate());
    }
    return cachedTokens;
  }

  /**
   * Makes room for so many tokens.
   *
   * @return whether there were enough free blocks; otherwise nothing has changed
   */
  public boolean grow(BlockTable table, int tokens) {
    int needed = layout.blocksFor(tokens) - table.size();
    if (needed > pool.free()) {
      return false;
    }
    for (int i = 0; i < needed; i++) {
      table.add(pool.allocate());
    }
    return true;
  }

  /**
   * Offers full blocks for reuse.
   *
   * @param tokens the sequence's tokens
   * @param computed how many of them have their KV written, by work that is done
   */
  public void publish(BlockTable table, int[] tokens, int computed) {
    int blockTokens = layout.blockTokens();
    int full = computed / blockTokens;
    for (int index = table.published(); reuse && index < full; index++) {
      pool.publish(table.block(index), table.key(index, keys, tokens, blockTokens));
      table.published(index + 1);
    }
  }

  /**
   * Gives all blocks back. The sequence's last blocks become reusable first, so that what is
   * evicted is always a leaf: a prefix never goes before what was built on it.
   */
  public void release(BlockTable table) {
    while (table.size() > 0) {
      pool.release(table.removeLast());
    }
    table.published(0);
  }

  /** Frees the device memory; the stream must be idle. */
  @Override
  public void close() {
    memory.close();
  }

  private void replaceLastByCopy(BlockTable table) {
    int copy = pool.allocate();
    int shared = table.removeLast();
    long bytes = layout.blockBytes();
    stream.copy(memory, layout.blockOffset(copy), memory, layout.blockOffset(shared), bytes);
    pool.release(shared);
    table.add(copy);
  }
}
