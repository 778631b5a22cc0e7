package dev.kappa.schedule;

import dev.kappa.kv.Forecast;
import dev.kappa.kv.KvCache;

/**
 * Decides how much of a prefix in host memory is computed again. Loading all of it leaves the
 * device idle, computing all of it the link; where the beginning is computed while the end is
 * loaded, the request is served soonest if both are done at the same time (the two ends of Jin et
 * al., arXiv 2410.03065, meet where they meet; here the cut is predicted, so that a load can come
 * layer by layer and be overlapped with the step that needs it). What is before the request on the
 * link and on the device counts. Not thread-safe.
 */
final class ComputeOrLoad {

  /** A cut that gains less than this is not made: what it computes has a price for others. */
  private static final double LEAST_GAIN = 0.05;

  /** Computing all of it has to be so much faster than loading it. */
  private static final double LEAST_GAIN_OF_COMPUTING = 0.02;

  private final Forecast forecast;
  private final int blockTokens;
  private final StepCost cost;
  private final int maxBatchedTokens;

  ComputeOrLoad(KvCache cache, StepCost cost, int maxBatchedTokens) {
    forecast = cache.forecast();
    blockTokens = cache.layout().blockTokens();
    this.cost = cost;
    this.maxBatchedTokens = maxBatchedTokens;
  }

  /**
   * The decision about one sequence's prefix.
   *
   * @param deviceNanos how long the device is busy with what comes before the sequence
   * @param start first token that is in host memory only
   * @param end of those tokens
   * @param resume where the sequence's own new tokens begin
   * @return how many tokens from {@code start} on to compute
   */
  int recompute(Draft draft, long deviceNanos, Sequence sequence, int start, int end, int resume) {
    if (!cost.isKnown()) {
      return 0;
    }
    Choice choice = new Choice(draft, deviceNanos, sequence.length(), start, end, resume);
    double load = choice.nanos(0);
    double compute = end >= resume ? choice.computeAll() : Double.MAX_VALUE;
    boolean computes = compute < (1 - LEAST_GAIN_OF_COMPUTING) * load;
    int cut = choice.bestCut();
    if ((1 + LEAST_GAIN) * choice.nanos(cut) <= Math.min(load, compute)) {
      return cut;
    }
    return computes ? end - start : 0;
  }

  /** The time to the sequence's first token as a function of the tokens that are computed. */
  private final class Choice {
    private final Draft draft;
    private final long linkNanos;
    private final long deviceNanos;
    private final int start;
    private final int end;
    private final int resume;
    private final long nextNanos;
    private final long laterNanos;
    private final int length;

    Choice(Draft draft, long deviceNanos, int length, int start, int end, int resume) {
      this.draft = draft;
      this.deviceNanos = deviceNanos;
      this.length = length;
      this.start = start;
      this.end = end;
      this.resume = resume;
      linkNanos = forecast.queueNanos(loadBytes(0));
      int next = Math.min(length - resume, maxBatchedTokens);
      nextNanos = cost.nanos(resume, next, maxBatchedTokens);
      laterNanos = cost.nanos(resume + next, length - resume - next, maxBatchedTokens);
    }

    /**
     * The load's last group of layers comes before the last part of the step that uses it. Of the
     * new tokens, only the next step's are computed while the load is under way.
     */
    double nanos(int computed) {
      long bytes = loadBytes(computed);
      double onLink = linkNanos + forecast.loadNanos(bytes);
      double after = (double) nextNanos / forecast.loadGroups(bytes);
      return Math.max(onLink + after, onDevice(computed) + nextNanos) + laterNanos;
    }

    /** Bytes of what is not computed. */
    private long loadBytes(int computed) {
      return forecast.loadBytes(start + computed, end, resume);
    }

    double computeAll() {
      return deviceNanos + cost.nanos(start, length - start, maxBatchedTokens);
    }

    /** Where computing begins to take as long as loading. */
    int bestCut() {
      int fits = 0;
      int over = (end - start) / blockTokens;
      while (over - fits > 1) {
        int middle = (fits + over) >>> 1;
        int computed = middle * blockTokens;
        long load = forecast.loadNanos(loadBytes(computed));
        if (onDevice(computed) + nextNanos < linkNanos + load) {
          fits = middle;
        } else {
          over = middle;
        }
      }
      return fits * blockTokens;
    }

    /** Beside decodes, only what they do not notice is computed. */
    private double onDevice(int computed) {
      if (computed == 0) {
        return deviceNanos;
      }
      if (draft.decodes().rows() == 0) {
        int perStep = cost.efficientRows(start, Math.min(computed, maxBatchedTokens));
        return deviceNanos + cost.nanos(start, computed, perStep);
      }
      int perStep = draft.unnoticed(draft.decodes(), start + computed, maxBatchedTokens);
      double steps =
          perStep == 0 ? Double.POSITIVE_INFINITY : Math.ceil((double) computed / perStep);
      return deviceNanos + steps * cost.nanos(draft.decodes().plus(start + computed, perStep));
    }
  }
}
