package dev.kappa.bench;

import dev.kappa.engine.Finish;

/**
 * Where the time to a request's first token went, in seconds.
 *
 * @param first from submission to the first token
 * @param queue from submission to admission, when loading begins
 * @param loading from admission to the first step; without overlap, the whole load
 * @param copy time that the device spent copying the prefix
 * @param compute from the first step to the first token, less the time that the device waited for
 *     the prefix
 * @param overlap how much of loading and computing went on at the same time: {@code copy + compute
 *     − (first − queue)}, but not less than nothing
 * @param bytes bytes loaded
 */
record RequestSplit(
    double first,
    double queue,
    double loading,
    double copy,
    double compute,
    double overlap,
    long bytes) {

  private static final double NANOS = 1e9;

  static RequestSplit of(Finish finish) {
    Finish.Timings timings = finish.timings();
    Finish.Restored restored = finish.restored();
    double first = timings.firstToken() / NANOS;
    double queue = (timings.queued() - restored.waitNanos()) / NANOS;
    double copy = restored.copyNanos() / NANOS;
    double compute = (timings.firstToken() - timings.queued() - restored.stallNanos()) / NANOS;
    double overlap = Math.max(0, copy + compute - (first - queue));
    return new RequestSplit(
        first, queue, restored.waitNanos() / NANOS, copy, compute, overlap, restored.bytes());
  }
}
