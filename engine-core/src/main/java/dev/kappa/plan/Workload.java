package dev.kappa.plan;

/** What a machine is asked to do. */
public sealed interface Workload {

  /**
   * Requests that are all alike, with their cached prefix in host memory.
   *
   * @param context tokens of the prompt, N
   * @param cached how many of them are cached, K; less than all
   * @param rate requests per second; 0 for one alone
   */
  record Equal(int context, int cached, double rate) implements Workload {

    public Equal {
      if (context < 1 || cached < 0 || cached >= context) {
        throw new PlanException(
            "%d of %d tokens are cached; at least one token must be computed"
                .formatted(cached, context));
      }
      if (!(rate >= 0) || Double.isInfinite(rate)) {
        throw new PlanException(rate + " requests per second");
      }
    }
  }

  /** Requests that were recorded. */
  record Recorded(Trace trace) implements Workload {}
}
