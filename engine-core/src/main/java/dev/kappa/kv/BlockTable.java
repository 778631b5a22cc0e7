package dev.kappa.kv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The blocks of one sequence in token order, and the keys of those whose tokens are all known.
 * Changed only by {@link KvCache}. Not thread-safe.
 */
public final class BlockTable {

  private final BlockKey root;
  private final List<BlockKey> keys = new ArrayList<>();
  private int[] blocks = new int[16];
  private int size;
  private int published;

  /**
   * @param root the key before the first block, see {@link BlockKeys#root}
   */
  public BlockTable(BlockKey root) {
    this.root = root;
  }

  /** Blocks held. */
  public int size() {
    return size;
  }

  /** Pool number of the {@code index}-th block. */
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

  /** Leading blocks whose content was offered for reuse. */
  int published() {
    return published;
  }

  void published(int count) {
    published = count;
  }

  /** The key of the {@code index}-th block, computed when first asked for. */
  BlockKey key(int index, BlockKeys chain, int[] tokens, int blockTokens) {
    while (keys.size() <= index) {
      int block = keys.size();
      BlockKey before = block == 0 ? root : keys.get(block - 1);
      keys.add(chain.next(before, tokens, block * blockTokens));
    }
    return keys.get(index);
  }
}
