package dev.kappa.kv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
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
  private final boolean[] used;
  private final long[] generations;
  private final @Nullable BlockKey[] keys;
  private final Map<BlockKey, Integer> published = new HashMap<>();

  // Free blocks as a doubly linked list through these arrays; the sentinel is the last index.
  private final int[] next;
  private final int[] previous;
  private final int sentinel;
  private int total;
  private int free;
  private int cached;
  private long evictedUnused;
  private @Nullable BlockLives lives;

  /** A pool of blocks that are all there. */
  public BlockPool(int blocks) {
    this(blocks, blocks);
  }

  /**
   * A pool that may grow.
   *
   * @param blocks how many blocks there are
   * @param limit how many there may be
   */
  public BlockPool(int blocks, int limit) {
    owners = new int[limit];
    used = new boolean[limit];
    generations = new long[limit];
    keys = new @Nullable BlockKey[limit];
    next = new int[limit + 1];
    previous = new int[limit + 1];
    sentinel = limit;
    next[sentinel] = sentinel;
    previous[sentinel] = sentinel;
    grow(blocks);
  }

  /** Tells someone of the lives of blocks from now on. */
  void watch(BlockLives watcher) {
    lives = watcher;
  }

  /** Adds blocks with the next numbers, free and without content. */
  public void grow(int blocks) {
    if (blocks > limit() - total) {
      throw new IllegalArgumentException(
          "%d more blocks than %d exceed the limit of %d".formatted(blocks, total, limit()));
    }
    int first = next[sentinel];
    for (int i = 0; i < blocks; i++) {
      linkBefore(first, total++);
    }
  }

  /** All blocks. */
  public int total() {
    return total;
  }

  /** Blocks that there may be. */
  public int limit() {
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
    if (keys[block] != null && !used[block]) {
      evictedUnused++;
    }
    BlockLives watcher = lives;
    if (watcher != null) {
      if (keys[block] != null) {
        watcher.evicted(block);
      }
      watcher.handedOut(block);
    }
    forget(block);
    generations[block]++;
    owners[block] = 1;
    return block;
  }

  /**
   * Takes several free blocks as {@link #allocate} does, in ascending order: blocks that were given
   * back together come out as a run again, and runs are copied in one piece.
   *
   * @throws IllegalStateException if there are not enough; then nothing has changed
   */
  public int[] allocate(int count) {
    if (free < count) {
      throw new IllegalStateException(count + " KV blocks are wanted, " + free + " are free");
    }
    int[] blocks = new int[count];
    for (int i = 0; i < count; i++) {
      blocks[i] = allocate();
    }
    Arrays.sort(blocks);
    return blocks;
  }

  /**
   * Finds the block with this content, holds it once more and counts it as used; -1 if there is
   * none.
   */
  public int acquire(BlockKey key) {
    int block = hold(key);
    if (block >= 0) {
      used[block] = true;
      if (lives != null) {
        lives.used(block);
      }
    }
    return block;
  }

  /** As {@link #acquire}, for someone who wants to keep the content, not to read it now. */
  public int hold(BlockKey key) {
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

  /** Holds a held block once more. */
  public void retain(int block) {
    checkHeld(block);
    owners[block]++;
  }

  /** The block with this content, held or not; -1 if there is none. Changes nothing. */
  public int find(BlockKey key) {
    return published.getOrDefault(key, NONE);
  }

  /** Whether a block with this content exists; changes nothing. */
  public boolean contains(BlockKey key) {
    return published.containsKey(key);
  }

  /** Makes the free block with this content, if there is one, the last to be reused. */
  public void touch(BlockKey key) {
    Integer found = published.get(key);
    if (found != null && owners[found] == 0) {
      unlink(found);
      linkBefore(sentinel, found);
    }
  }

  /** What {@link #allocate} would forget; null if nothing, or if no block is free. */
  public @Nullable BlockKey nextAllocated() {
    return free == 0 ? null : keys[next[sentinel]];
  }

  /**
   * The keys of the free blocks that are reused next, as far as they have content.
   *
   * @param most how many blocks are looked at
   */
  public List<BlockKey> nextEvicted(int most) {
    List<BlockKey> found = new ArrayList<>();
    int block = next[sentinel];
    for (int i = 0; i < most && block != sentinel; i++) {
      BlockKey key = keys[block];
      if (key != null) {
        found.add(key);
      }
      block = next[block];
    }
    return found;
  }

  /**
   * Gives one hold back; a block that nobody holds any more becomes free, the last to be reused.
   */
  public void release(int block) {
    checkHeld(block);
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
   *
   * @return whether it was not findable before
   */
  public boolean publish(int block, BlockKey key) {
    checkHeld(block);
    boolean anew = keys[block] == null && published.putIfAbsent(key, block) == null;
    if (anew) {
      keys[block] = key;
      used[block] = false;
    }
    return anew;
  }

  /** Makes a content unfindable; whoever holds its block keeps the block. */
  public void unpublish(BlockKey key) {
    Integer found = published.get(key);
    if (found == null) {
      return;
    }
    boolean isFree = owners[found] == 0;
    if (isFree) {
      unlink(found);
    }
    forget(found);
    if (isFree) {
      linkBefore(next[sentinel], found);
    }
  }

  /** Forgets the content of all free blocks; returns of how many. */
  public int clear() {
    List<BlockKey> all = nextEvicted(free);
    all.forEach(this::unpublish);
    return all.size();
  }

  /** How often the block was handed out for new content. */
  public long generation(int block) {
    return generations[block];
  }

  /** Blocks that lost their content to others without anyone having used it. */
  public long evictedUnused() {
    return evictedUnused;
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

  private void checkHeld(int block) {
    if (owners[block] <= 0) {
      throw new IllegalStateException("KV block " + block + " is not held");
    }
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
