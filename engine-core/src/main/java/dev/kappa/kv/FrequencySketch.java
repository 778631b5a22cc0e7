package dev.kappa.kv;

/**
 * About how often keys were asked for lately, those of blocks that are gone included: a count-min
 * sketch (Cormode and Muthukrishnan 2005) of small counters that are all halved after every so many
 * additions, as TinyLFU does it (Einziger, Friedman and Manes, arXiv 1512.00727). An estimate is
 * never below the count, and above it only if a key shares all of its counters with others. Keys
 * are hashes already. Not thread-safe.
 *
 * <p>A key's counters, one in each of four rows, lie in one cache line, so that counting reads
 * memory once. With 16 counters to a row and on average n keys to a line, a new key finds all of
 * its counters taken with a chance of E[(1 - (15/16)^N)^4], N being Poisson distributed with mean
 * n: 0.56 % for the n = 4 at the end of a period, 0.15 % on average over it.
 */
final class FrequencySketch {

  /** Counters stop here: whoever was asked for more often is kept in any case. */
  static final int MOST = 15;

  private static final int ROWS = 4;
  private static final int ROW = 16;
  private static final int LINE = ROWS * ROW;

  /** Additions to a line, on average, until counters are halved. */
  private static final int ADDITIONS_PER_LINE = 4;

  /** So many additions for each block are remembered; TinyLFU was evaluated with 8 to 16. */
  private static final int ADDITIONS_PER_BLOCK = 16;

  private static final int LEAST_LINES = 1 << 10;
  private static final int MOST_LINES = 1 << 20;

  private final byte[] counters;
  private final int lines;
  private final int period;
  private int additions;

  /**
   * @param blocks that a cache holds; 16 times as many additions are remembered, four million at
   *     most
   */
  FrequencySketch(int blocks) {
    long remembered = Math.max(1, (long) blocks * ADDITIONS_PER_BLOCK);
    int wanted = Math.clamp(remembered / ADDITIONS_PER_LINE, LEAST_LINES, MOST_LINES);
    // The next power of two.
    lines = Integer.highestOneBit(wanted - 1) << 1;
    period = (int) Math.min(remembered, (long) lines * ADDITIONS_PER_LINE);
    counters = new byte[lines * LINE];
  }

  /** Additions after which all counts are halved. */
  int period() {
    return period;
  }

  /** About how often a key was added. */
  int count(BlockKey key) {
    int line = line(key);
    int least = MOST;
    for (int row = 0; row < ROWS; row++) {
      least = Math.min(least, counters[line + place(key, row)]);
    }
    return least;
  }

  /**
   * Adds one to a key's count. Counters that other keys have raised above it stay as they are,
   * which is enough for the estimate and spoils fewer of theirs.
   *
   * @return the count before
   */
  int add(BlockKey key) {
    int line = line(key);
    int count = count(key);
    for (int row = 0; row < ROWS; row++) {
      int index = line + place(key, row);
      if (counters[index] == count && count < MOST) {
        counters[index]++;
      }
    }
    if (++additions == period) {
      halve();
    }
    return count;
  }

  private void halve() {
    for (int i = 0; i < counters.length; i++) {
      counters[i] >>= 1;
    }
    additions = 0;
  }

  private int line(BlockKey key) {
    return ((int) key.third() & lines - 1) * LINE;
  }

  private static int place(BlockKey key, int row) {
    return row * ROW + ((int) key.fourth() >>> 4 * row & ROW - 1);
  }
}
