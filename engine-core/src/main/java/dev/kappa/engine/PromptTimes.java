package dev.kappa.engine;

import dev.kappa.kv.Load;
import org.jspecify.annotations.Nullable;

/**
 * One request's times up to its first token, put together step by step. Confined to the engine
 * thread.
 */
final class PromptTimes {

  private long predictedCompute;
  private long compute;
  private long predictedRead;
  private long read;
  private long overlap;
  private boolean complete;

  /** What computing the prompt will probably take, before its first step. */
  void predict(long nanos) {
    predictedCompute = nanos;
  }

  /** Whether a step has computed the prompt's last token. */
  boolean isComplete() {
    return complete;
  }

  /**
   * Adds a step with tokens of the prompt.
   *
   * @param load the request's
   * @param stallNanos how long the device waited for loads in that step
   * @param last whether the prompt's last token was among them
   */
  void add(@Nullable Load load, long begun, long ended, long stallNanos, boolean last) {
    long computed = Math.max(0, ended - begun - stallNanos);
    compute += computed;
    if (load != null) {
      long both = Math.min(ended, load.endNanos()) - Math.max(begun, load.startNanos());
      overlap += Math.clamp(both - stallNanos, 0, computed);
    }
    complete = last;
  }

  /**
   * Adds a step over host memory, in which reading and computing cannot be told apart.
   *
   * @param readNanos time that the device spent reading
   */
  void addLong(long nanos, long predictedReadNanos, long readNanos, boolean last) {
    compute += nanos;
    predictedRead += predictedReadNanos;
    read += readNanos;
    overlap += Math.min(nanos, readNanos);
    complete = last;
  }

  /**
   * Closes the account.
   *
   * @param load the request's, if it has one
   * @param untilFirst nanoseconds from submission to the first token, or to the end if there was
   *     none
   */
  Finish.Account close(double kappaCritical, @Nullable Load load, long untilFirst) {
    boolean loaded = load != null && load.endNanos() != Long.MAX_VALUE;
    long predicted = load != null ? load.predictedNanos() : predictedRead;
    long loading = loaded && load != null ? load.endNanos() - load.startNanos() : read;
    long hidden = loaded || read > 0 ? overlap : 0;
    long queued = Math.max(0, untilFirst - (loading + compute - hidden));
    return new Finish.Account(
        kappaCritical,
        queued,
        predicted,
        loading,
        predictedCompute,
        compute,
        hidden,
        bound(queued, loading));
  }

  private Finish.Bound bound(long queued, long loading) {
    // What read in place took is part of what it took to compute.
    long alone = read > 0 ? predictedCompute : compute;
    if (queued > Math.max(loading, Math.max(alone, compute))) {
      return Finish.Bound.QUEUE;
    }
    return loading > alone ? Finish.Bound.LINK : Finish.Bound.COMPUTE;
  }
}
