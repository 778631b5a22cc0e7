package dev.kappa.engine;

import dev.kappa.device.Clock;

/**
 * Notices when the engine thread does not come back from a step, because a copy or a kernel that it
 * waits for stands still. A driver lets nobody take such work back, so all that can be done is to
 * say so to whoever restarts the process. The engine thread begins and ends; thread-safe otherwise.
 */
final class StallWatch {

  /** A step may take so many times what was expected of it. */
  static final int TIMES_EXPECTED = 10;

  /** What it may take on top of that before it counts as stuck. */
  static final long PATIENCE_NANOS = 60_000_000_000L;

  private final Clock clock;
  private volatile boolean watching;
  private volatile long latest;

  StallWatch(Clock clock) {
    this.clock = clock;
  }

  /**
   * A step begins.
   *
   * @param expectedNanos what it will probably take
   */
  void begin(long expectedNanos) {
    latest = clock.nanos() + PATIENCE_NANOS + TIMES_EXPECTED * expectedNanos;
    watching = true;
  }

  void end() {
    watching = false;
  }

  /** Whether a step should have ended long ago. */
  boolean isStalled() {
    return watching && clock.nanos() - latest > 0;
  }
}
