package dev.kappa.device;

/**
 * The only source of time in the engine. A device provides it, so that a simulated device can run
 * the real engine in virtual time. Thread-safe.
 */
@FunctionalInterface
public interface Clock {

  /** Monotonic nanoseconds from an arbitrary origin. */
  long nanos();
}
