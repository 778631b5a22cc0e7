package dev.kappa.kv;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Numbers of equal blocks: who holds them, what they contain and which is reused next.
 *
 * <p>A block is <i>held</i> (by one or more owners) or <i>free</i>. A free block may still contain
 * published content and be revived by {@link #acquire}; free blocks are reused from the least
 * recently released on. Every reuse raises the block's generation, so that whoever remembers a
 * block can tell whether it still is the one that was meant. Not thread-safe.
 */
public final class BlockPool {

  private static final int NONE = -1;

  private final int[] owners;
  private final long[] generations;
  private final @Nullable BlockKey[] keys;
  private final Map<BlockKey, Integer> published = new HashMap<>();

  // Free blocks as a doubly linked list through these arrays; the sentinel is the last index.
  private final int[] next;
  private final int[] previous;
  private final int sentinel;
  private int free;
  private int cached;

  public BlockPool(int blocks) {
    owners = new int[blocks];
    generations = new long[blocks];
    keys = new @Nullable BlockKey[blocks];
    next = new int[blocks + 1];
    previous = new int[blocks + 1];
    sentinel = blocks;
    next[sentinel] = sentinel;
    previous[sentinel] = sentinel;
    for (int block = 0; block < blocks; block++) {
      linkBefore(sentinel, block);
    }
  }

  /** All blocks. */
  public int total() {
    return owners.length;
  }

  /** Blocks that nobody holds. */
  public int free() {
    return free;
  }

  /** Free blocks that still contain published content. */
  public int cached() {
    return cached;
  }

  /**
   * Takes the free block that was released longest ago; its content is forgotten.
   *
   * @return the block, held once
   * @throws IllegalStateException if none is free
   */
  public int allocate() {
    if (free == 0) {
      throw new IllegalStateException("no free KV block");
    }
    int block = next[sentinel];
    unlink(block);
    forget(block);
    generations[block]++;
    owners[block] = 1;
    return block;
  }

  /** Finds the block with this content and holds it once more; -1 if there is none. */
  public int acquire(BlockKey key) {
    Integer found = published.get(key);
    if (found == null) {
      return NONE;
    }
    int block = found;
    if (owners[block] == 0) {
      unlink(block);
    }
    owners[block]++;
    return block;
  }

  /** Whether a block with this content exists; changes nothing. */
  public boolean contains(BlockKey key) {
    return published.containsKey(key);
  }

  /**
   * Gives one hold back; a block that nobody holds any more becomes free, the last to be reused.
   */
  public void release(int block) {
    if (owners[block] <= 0) {
      throw new IllegalStateException("KV block " + block + " is not held");
    }
    if (--owners[block] > 0) {
      return;
    }
    if (keys[block] == null) {
      linkBefore(next[sentinel], block);
    } else {
      linkBefore(sentinel, block);
    }
  }

  /**
   * Makes a held block's content findable. The first block published under a key stays the only
   * one: a later twin remains private to its holder.
   */
  public void publish(int block, BlockKey key) {
    if (owners[block] <= 0) {
      throw new IllegalStateException("KV block " + block + " is not held");
    }
    if (keys[block] == null && published.putIfAbsent(key, block) == null) {
      keys[block] = key;
    }
  }

  /** How often the block was handed out for new content. */
  public long generation(int block) {
    return generations[block];
  }

  /** Holders of a block. */
  public int owners(int block) {
    return owners[block];
  }

  /**
   * Recounts everything.
   *
   * @throws IllegalStateException if the books do not balance
   */
  public void checkIntegrity() {
    int linked = 0;
    int withContent = 0;
    for (int block = next[sentinel]; block != sentinel; block = next[block]) {
      check(owners[block] == 0, "free block %d has owners", block);
      check(previous[next[block]] == block, "free list is broken at block %d", block);
      withContent += keys[block] == null ? 0 : 1;
      linked++;
      check(linked <= total(), "free list is a cycle at block %d", block);
    }
    int held = 0;
    for (int block = 0; block < total(); block++) {
      held += owners[block] > 0 ? 1 : 0;
      BlockKey key = keys[block];
      check(
          key == null || Integer.valueOf(block).equals(published.get(key)),
          "block %d has a key that leads elsewhere",
          block);
    }
    check(linked == free, "%d free blocks are linked but not all counted", linked);
    check(withContent == cached, "%d cached blocks are linked but not all counted", withContent);
    check(held + free == total(), "%d held blocks do not add up", held);
  }

  private static void check(boolean holds, String message, int argument) {
    if (!holds) {
      throw new IllegalStateException(message.formatted(argument));
    }
  }

  private void forget(int block) {
    BlockKey key = keys[block];
    if (key != null) {
      published.remove(key);
      keys[block] = null;
    }
  }

  private void linkBefore(int successor, int block) {
    next[block] = successor;
    previous[block] = previous[successor];
    next[previous[block]] = block;
    previous[successor] = block;
    free++;
    cached += keys[block] == null ? 0 : 1;
  }

  private void unlink(int block) {
    next[previous[block]] = next[block];
    previous[next[block]] = previous[block];
    free--;
    cached -= keys[block] == null ? 0 : 1;
  }
}
