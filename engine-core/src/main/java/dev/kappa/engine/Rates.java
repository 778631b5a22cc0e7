package dev.kappa.engine;

import dev.kappa.kv.KvCache;
import dev.kappa.kv.KvStats;
import dev.kappa.roofline.MeasuredRates;
import dev.kappa.roofline.ModelShape;
import dev.kappa.schedule.Sequence;
import dev.kappa.schedule.StepCost;

/** What the engine has measured so far, and what follows from it. Confined to its thread. */
final class Rates {

  private final StepCost cost;
  private final KvCache cache;
  private final ModelShape shape;
  private final int maxBatchedTokens;

  Rates(StepCost cost, KvCache cache, ModelShape shape, int maxBatchedTokens) {
    this.cost = cost;
    this.cache = cache;
    this.shape = shape;
    this.maxBatchedTokens = maxBatchedTokens;
  }

  /** As of now; the books of copies are the caller's. */
  MeasuredRates measured(KvStats kv) {
    return new MeasuredRates(
        cost.fixedNanos(),
        cost.weightsNanos(),
        cost.rowNanos(),
        cost.contextNanos(),
        cost.pairNanos(),
        kv.loads().ceiling(),
        kv.stores().ceiling());
  }

  /** κ_crit of a context; NaN while it cannot be known. */
  double kappaCritical(int contextTokens) {
    return measured(cache.stats()).kappaCritical(shape, contextTokens);
  }

  /**
   * How long it probably takes to compute a sequence's prompt from a position on, in steps of its
   * own; 0 while no step has been measured.
   */
  long computeNanos(Sequence sequence, int start) {
    int end = sequence.promptLength();
    int headEnd = sequence.headEnd();
    if (start >= headEnd) {
      return cost.nanos(start, end - start, maxBatchedTokens);
    }
    int resume = sequence.resume();
    return cost.nanos(start, headEnd - start, maxBatchedTokens)
        + cost.nanos(resume, end - resume, maxBatchedTokens);
  }
}
