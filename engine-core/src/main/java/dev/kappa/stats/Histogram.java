package dev.kappa.stats;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How often values fell into which range. One thread adds, without allocating; any thread may read,
 * and then may see a value in its range that is not in the sum yet.
 */
public final class Histogram {

  private final double[] bounds;
  private final AtomicLongArray counts;
  private volatile double sum;

  /**
   * @param bounds upper bounds of the ranges, inclusive and ascending; one range more has no bound
   */
  public Histogram(double... bounds) {
    this.bounds = bounds.clone();
    counts = new AtomicLongArray(bounds.length + 1);
  }

  /**
   * Values so far.
   *
   * @param bounds upper bounds of all ranges but the last
   * @param counts values in each range
   * @param sum of all values
   */
  @SuppressWarnings("ArrayRecordComponent") // made for its reader, who owns the arrays
  public record Reading(double[] bounds, long[] counts, double sum) {

    /** How many values there are. */
    public long count() {
      long all = 0;
      for (long count : counts) {
        all += count;
      }
      return all;
    }
  }

  /** Takes a value. */
  public void add(double value) {
    int range = 0;
    while (range < bounds.length && value > bounds[range]) {
      range++;
    }
    counts.lazySet(range, counts.getPlain(range) + 1);
    double before = sum;
    sum = before + value;
  }

  /** Takes a time. */
  public void addNanos(long nanos) {
    add(nanos / 1e9);
  }

  /** A copy. */
  public Reading read() {
    double total = sum;
    long[] copy = new long[counts.length()];
    for (int range = 0; range < copy.length; range++) {
      copy[range] = counts.get(range);
    }
    return new Reading(bounds.clone(), copy, total);
  }
}
