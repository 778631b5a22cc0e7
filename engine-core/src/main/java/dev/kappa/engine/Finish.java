package dev.kappa.engine;

import org.jspecify.annotations.Nullable;

/**
 * How a request ended and what it took.
 *
 * @param stopString the stop string that ended it, if one did
 * @param usage token counts
 * @param timings where the time went
 */
public record Finish(Reason reason, @Nullable String stopString, Usage usage, Timings timings) {

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
   */
  public record Usage(int promptTokens, int completionTokens, int cachedTokens) {}

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
