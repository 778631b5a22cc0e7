package dev.kappa.plan;

import java.util.List;

/** A trace small enough to follow by hand. */
final class Traces {

  private Traces() {}

  /**
   * Four requests, a second apart: A B, A C (half filled), A B again, and A B with a new block
   * behind it.
   */
  static Trace small() {
    return new Trace(
        List.of(
            new Trace.Request(0, 1024, 4, new int[] {0, 1}),
            new Trace.Request(1000, 768, 3, new int[] {0, 2}),
            new Trace.Request(2000, 1024, 1, new int[] {0, 1}),
            new Trace.Request(3000, 1536, 2, new int[] {0, 1, 3})),
        4);
  }
}
