package dev.kappa.server.http;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Bytes that the bodies of all requests may hold together, from their arrival to the end of the
 * answer: however many clients send large bodies at once, memory is left to serve others.
 * Thread-safe.
 */
final class BodyBudget {

  private final AtomicLong left;

  BodyBudget(long bytes) {
    left = new AtomicLong(bytes);
  }

  /** A quarter of the memory there is for objects, but room for one body of the allowed length. */
  static BodyBudget of(HttpLimits limits) {
    return new BodyBudget(Math.max(limits.maxBodyBytes(), Runtime.getRuntime().maxMemory() / 4));
  }

  /** Takes so many bytes; false, and takes none, if there are not as many left. */
  boolean take(long bytes) {
    if (left.addAndGet(-bytes) >= 0) {
      return true;
    }
    left.addAndGet(bytes);
    return false;
  }

  /** Gives back what was taken. */
  void give(long bytes) {
    left.addAndGet(bytes);
  }
}
