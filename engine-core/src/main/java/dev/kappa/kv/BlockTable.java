package dev.kappa.kv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of one sequence in token order, their copies in host memory, and the keys of those
 * whose tokens are all known. Changed only by this package. Not thread-safe; may be made by any
 * thread.
 */
public final class BlockTable {

  /** In place of a block's number where there is none. */
  static final int NONE = -1;

  private final String salt;
  private final List<BlockKey> keys = new ArrayList<>();
  private int[] blocks = new int[16];
  private int[] host = new int[16];
  private int size;
  private int hostSize;
  private int published;
  private int asked;
  private boolean sampled;
  private int produces;
  private int firstHeld;
  private @Nullable Load load;
  private int windowStart = NONE;
  private final BitSet stored = new BitSet();
  private int storeFailures;

  /**
   * @param salt separates caches, see {@link BlockKeys#root}
   */
  public BlockTable(String salt) {
    this.salt = salt;
  }

  /** Blocks in token order, those included that no token sees any more. */
  public int size() {
    return size;
  }

  /** Pool number of the {@code index}-th block; -1 where no token sees it any more. */
  public int block(int index) {
    java.util.Objects.checkIndex(index, size);
    return blocks[index];
  }

  void add(int block) {
    if (size == blocks.length) {
      blocks = Arrays.copyOf(blocks, 2 * size);
    }
    blocks[size++] = block;
  }

  int removeLast() {
    return blocks[--size];
  }

  void set(int index, int block) {
    blocks[index] = block;
  }

  /** The first block that may still be held: those before it were taken away. */
  int firstHeld() {
    return firstHeld;
  }

  /** Takes the first block that is held away and returns it; -1 if it was not there. */
  int takeAway(int index) {
    int block = blocks[index];
    blocks[index] = NONE;
    firstHeld = index + 1;
    return block;
  }

  /** Forgets that blocks were taken away from a table that is empty. */
  void restart() {
    firstHeld = 0;
    published = 0;
    windowStart = NONE;
  }

  /** The host block that holds a copy of the {@code index}-th block, held by this table; or -1. */
  int host(int index) {
    return index < hostSize ? host[index] : NONE;
  }

  void setHost(int index, int block) {
    if (index >= host.length) {
      host = Arrays.copyOf(host, Math.max(2 * host.length, index + 1));
    }
    while (hostSize <= index) {
      host[hostSize++] = NONE;
    }
    host[index] = block;
  }

  /** Places in the list of host blocks, empty ones included. */
  int hostSize() {
    return hostSize;
  }

  void clearHost() {
    hostSize = 0;
  }

  /**
   * The load that the sequence's first steps wait for; null once it has arrived or was given up.
   */
  public @Nullable Load load() {
    return load;
  }

  void load(@Nullable Load started) {
    load = started;
  }

  /** Whether the sequence exceeds the device, see {@link LongContexts}. */
  public boolean isStreamed() {
    return windowStart >= 0;
  }

  /** Makes this the table of a sequence of which so many blocks lie only in host memory. */
  void stream(int hostOnly) {
    windowStart = hostOnly;
    stored.clear();
    stored.set(0, hostOnly);
    storeFailures = 0;
  }

  /** Leading blocks that are not on the device. */
  int windowStart() {
    return windowStart;
  }

  void windowStart(int block) {
    windowStart = block;
  }

  /** Leading blocks that are safe in host memory. */
  int stored() {
    return stored.nextClearBit(0);
  }

  /** Notes that blocks {@code from … to - 1} are safe. */
  void stored(int from, int to) {
    stored.set(from, to);
    storeFailures = 0;
  }

  /** Stores that failed since the last that did not. */
  int storeFailures() {
    return storeFailures;
  }

  void storeFailed() {
    storeFailures++;
  }

  /** Leading blocks whose content was offered for reuse. */
  int published() {
    return published;
  }

  void published(int count) {
    published = count;
  }

  /** Leading blocks whose being asked for was counted; never again, even if they are lost. */
  int asked() {
    return asked;
  }

  void asked(int count) {
    asked = count;
  }

  /** Whether the sequence's blocks are stored to see whether storing would pay. */
  boolean isSampled() {
    return sampled;
  }

  void sample() {
    sampled = true;
  }

  /** Leading blocks of which some were noted with {@link Producers}. */
  int produces() {
    return produces;
  }

  void produces(int count) {
    produces = count;
  }

  /** The key of the {@code index}-th block, which was computed before. */
  BlockKey knownKey(int index) {
    return keys.get(index);
  }

  /** The key of the {@code index}-th block, computed when first asked for. */
  BlockKey key(int index, BlockKeys chain, int[] tokens, int blockTokens) {
    while (keys.size() <= index) {
      int block = keys.size();
      BlockKey before = block == 0 ? chain.root(salt) : keys.get(block - 1);
      keys.add(chain.next(before, tokens, block * blockTokens));
    }
    return keys.get(index);
  }
}
