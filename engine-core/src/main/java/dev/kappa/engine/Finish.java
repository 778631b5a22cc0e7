package dev.kappa.engine;

import org.jspecify.annotations.Nullable;

/**
 * How a request ended and what it took.
 *
 * @param stopString the stop string that ended it, if one did
 * @param usage token counts
 * @param timings where the time went
 * @param restored what was loaded from host memory
 */
public record Finish(
    Reason reason, @Nullable String stopString, Usage usage, Timings timings, Restored restored) {

  /** Why a request ended. */
  public enum Reason {
    /** An end-of-sequence token, a stop token or a stop string. */
    STOP,
    /** The token limit or the end of the context. */
    LENGTH,
    /** Cancelled by its owner. */
    ABORT
  }

  /**
   * Token counts.
   *
   * @param promptTokens tokens of the prompt
   * @param completionTokens tokens generated, the ending token included
   * @param cachedTokens prompt tokens whose KV was reused instead of computed
   * @param hostTokens how many of the cached tokens came from host memory
   */
  public record Usage(int promptTokens, int completionTokens, int cachedTokens, int hostTokens) {

    /**
     * Tokens restored from a slower tier per prompt token computed: κ = K / T of arXiv 2601.19910.
     */
    public double kappa() {
      return hostTokens / (double) Math.max(1, promptTokens - cachedTokens);
    }
  }

  /**
   * The load of a request's prefix from host memory; all zero if there was none. A context longer
   * than the device is not loaded but read where it lies. Times are nanoseconds of the device's
   * clock.
   *
   * @param blocks blocks loaded
   * @param bytes bytes copied
   * @param copyNanos time that the device spent copying
   * @param waitNanos from the request's admission to its first step
   * @param predictedStallNanos how long the device was expected to wait for the load in that step
   * @param stallNanos how long it did
   */
  public record Restored(
      int blocks,
      long bytes,
      long copyNanos,
      long waitNanos,
      long predictedStallNanos,
      long stallNanos) {

    /** Nothing was loaded. */
    public static final Restored NOTHING = new Restored(0, 0, 0, 0, 0, 0);
  }

  /**
   * Nanoseconds of the device's clock.
   *
   * @param queued from submission to the first step it took part in
   * @param firstToken from submission to the first token; 0 if there was none
   * @param total from submission to the end
   * @param preemptions how often it lost its blocks and started over
   */
  public record Timings(long queued, long firstToken, long total, int preemptions) {}
}
