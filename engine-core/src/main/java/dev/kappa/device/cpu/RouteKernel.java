package dev.kappa.device.cpu;

import dev.kappa.device.Router;

/** Chooses experts from scores, see {@link dev.kappa.device.Kernels#route}. */
final class RouteKernel {

  private static final int ROWS_PER_CLAIM = 16;

  private RouteKernel() {}

  static void run(
      WorkerPool pool, Scratch scratch, long scores, int rows, Router router, long choices) {
    Rows.run(
        pool,
        scratch,
        rows,
        ROWS_PER_CLAIM,
        (own, row) ->
            row(
                scores + 4L * router.experts() * row,
                router,
                choices + 8L * router.perToken() * row));
  }

  private static void row(long scores, Router router, long choices) {
    for (int slot = 0; slot < router.perToken(); slot++) {
      Raw.putInt(choices + 8L * slot, best(scores, router.experts(), choices, slot));
    }
    // The first choice has the largest score.
    float largest = score(scores, Raw.getInt(choices));
    int counted = router.normalized() ? router.perToken() : router.experts();
    float sum = 0;
    for (int i = 0; i < counted; i++) {
      int expert = router.normalized() ? Raw.getInt(choices + 8L * i) : i;
      sum += VectorMath.exp(score(scores, expert) - largest);
    }
    for (int slot = 0; slot < router.perToken(); slot++) {
      int expert = Raw.getInt(choices + 8L * slot);
      float weight = VectorMath.exp(score(scores, expert) - largest) / sum;
      Raw.putFloat(choices + 8L * slot + 4, weight);
    }
  }

  /** The first of the largest scores that is not among the choices yet. */
  private static int best(long scores, int experts, long choices, int chosen) {
    int best = -1;
    for (int expert = 0; expert < experts; expert++) {
      boolean larger = best < 0 || score(scores, expert) > score(scores, best);
      if (larger && !isChosen(choices, chosen, expert)) {
        best = expert;
      }
    }
    return best;
  }

  private static boolean isChosen(long choices, int chosen, int expert) {
    for (int slot = 0; slot < chosen; slot++) {
      if (Raw.getInt(choices + 8L * slot) == expert) {
        return true;
      }
    }
    return false;
  }

  private static float score(long scores, int expert) {
    return Raw.getFloat(scores + 4L * expert);
  }
}
