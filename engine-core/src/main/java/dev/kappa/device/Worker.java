package dev.kappa.device;

/**
 * Host work that goes on beside the device: a task that runs again whenever someone signals, or
 * when a time has come that it named itself. Devices provide it like time, so that a simulated
 * device can run engine and transfers in virtual time; elsewhere it is a thread. Thread-safe.
 */
public interface Worker extends AutoCloseable {

  /** Returned by a task that waits for a signal and nothing else. */
  long WHEN_SIGNALLED = Long.MAX_VALUE;

  /** What a worker does, one run after the other, never two at a time. */
  @FunctionalInterface
  interface Task {

    /**
     * Does what there is to do. Must not throw: a worker whose task throws has ended.
     *
     * @return the time of {@link Device#clock()} at which to run again without a signal, a past one
     *     for at once, {@link #WHEN_SIGNALLED} for never
     */
    long run();
  }

  /**
   * Makes the task run once more, after the run in progress if there is one. Signals that come
   * before that run has begun are one. Does nothing from the call of {@link #close} on.
   */
  void signal();

  /** Whether the caller is the task itself. */
  boolean isCurrent();

  /**
   * Runs the task a last time if there is a signal it has not seen, then ends; nothing runs any
   * more when it returns.
   *
   * @throws IllegalStateException if called by the task itself
   */
  @Override
  void close();
}
