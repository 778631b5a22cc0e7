package dev.kappa.engine;

import org.jspecify.annotations.Nullable;

/**
 * How a request ended and what it took.
 *
 * @param stopString the stop string that ended it, if one did
 * @param usage token counts
 * @param timings where the time went
 * @param restored what was loaded from host memory
 * @param account what the way to the first token was expected to take, and what it did
 */
public record Finish(
    Reason reason,
    @Nullable String stopString,
    Usage usage,
    Timings timings,
    Restored restored,
    Account account) {

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

    /** Prompt tokens whose KV was computed. */
    public int computedTokens() {
      return promptTokens - cachedTokens;
    }

    /** Prompt tokens whose KV lay on the device. */
    public int deviceTokens() {
      return cachedTokens - hostTokens;
    }

    /**
     * Tokens restored from a slower tier per prompt token computed: κ = K / T of arXiv 2601.19910.
     */
    public double kappa() {
      return hostTokens / (double) Math.max(1, computedTokens());
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

  /** What a request's first token waited for longest. */
  public enum Bound {
    /** Other requests, and blocks that they held. */
    QUEUE,
    /** The load of its prefix. */
    LINK,
    /** The computation of its prompt. */
    COMPUTE
  }

  /**
   * What the way to the first token was expected to take, and what it did. Loading and computing
   * overlap: the way takes {@code queue + load + compute − overlap}. Nanoseconds of the device's
   * clock.
   *
   * @param kappaCritical κ_crit of the prompt's length by what the engine has measured of link and
   *     steps; NaN while it has not
   * @param queueNanos time in which the request was neither loaded nor computed
   * @param predictedLoadNanos what the load was expected to take when it began, loads before it
   *     included
   * @param loadNanos from the load's beginning until all was there, loads before it included; of a
   *     context longer than the device, the time that the device spent reading
   * @param predictedComputeNanos what computing the prompt alone was expected to take before its
   *     first step; 0 while no step has been measured
   * @param computeNanos what its steps took without the time that they waited for loads; other
   *     requests' tokens in the same steps are included, and so is what is read in place of a
   *     context longer than the device
   * @param overlapNanos how long it was loaded and computed at the same time
   * @param bound the longest of queue, load and compute
   */
  public record Account(
      double kappaCritical,
      long queueNanos,
      long predictedLoadNanos,
      long loadNanos,
      long predictedComputeNanos,
      long computeNanos,
      long overlapNanos,
      Bound bound) {}

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
