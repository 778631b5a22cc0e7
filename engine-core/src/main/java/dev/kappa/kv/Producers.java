package dev.kappa.kv;

import java.util.HashMap;
import java.util.Map;

/**
 * Which contents are about to come into being, and in whose blocks: so that of two sequences with
 * the same prefix the second can wait for the first (a delayed hit: Atre et al., SIGCOMM 2020)
 * rather than compute or load it once more. Not thread-safe.
 */
final class Producers {

  private final BlockKeys keys;
  private final int blockTokens;
  private final Map<BlockKey, BlockTable> tables = new HashMap<>();

  Producers(BlockKeys keys, int blockTokens) {
    this.keys = keys;
    this.blockTokens = blockTokens;
  }

  /** Notes that a table's blocks {@code from … to - 1} will get their content, if no one else's. */
  void add(BlockTable table, int from, int to, int[] tokens) {
    for (int index = from; index < to; index++) {
      tables.putIfAbsent(table.key(index, keys, tokens, blockTokens), table);
    }
    table.produces(to);
  }

  boolean has(BlockKey key) {
    return tables.containsKey(key);
  }

  /** How many of a table's blocks from one on, and before another, are being produced. */
  int run(BlockTable table, int from, int to, int[] tokens) {
    int index = from;
    while (index < to && has(table.key(index, keys, tokens, blockTokens))) {
      index++;
    }
    return index - from;
  }

  /** A content has come into being. */
  void remove(BlockTable table, BlockKey key) {
    tables.remove(key, table);
  }

  /** What a table has not produced by now it never will. */
  void removeAll(BlockTable table) {
    for (int index = 0; index < table.produces(); index++) {
      remove(table, table.knownKey(index));
    }
    table.produces(0);
  }
}
