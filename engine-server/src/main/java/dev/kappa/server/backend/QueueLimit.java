package dev.kappa.server.backend;

/**
 * Bounds how many requests wait for the engine. What waits is what has entered and not left, less
 * what the engine runs: so requests count at once, and not only after the step that takes them in.
 * Thread-safe.
 */
public final class QueueLimit {

  private final InferenceBackend backend;
  private final int limit;
  private int entered;

  /**
   * @param limit how many may wait; 0 for any number
   */
  public QueueLimit(InferenceBackend backend, int limit) {
    this.backend = backend;
    this.limit = limit;
  }

  public int limit() {
    return limit;
  }

  /** Lets a request in, unless as many as may wait do so already. */
  public synchronized boolean tryEnter() {
    if (limit > 0) {
      var stats = backend.stats();
      if (Math.max(stats.waiting(), entered - stats.running()) >= limit) {
        return false;
      }
    }
    entered++;
    return true;
  }

  /** Counts the further prompts of a request that is in: it is taken or refused as a whole. */
  public synchronized void enterToo(int prompts) {
    entered += prompts;
  }

  /** So many prompts have ended, or never reached the engine. */
  public synchronized void leave(int prompts) {
    entered -= prompts;
  }
}
