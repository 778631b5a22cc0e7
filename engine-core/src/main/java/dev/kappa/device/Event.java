package dev.kappa.device;

/**
 * A marker in a stream (CUDA: {@code cuEvent}). It is complete when the work before the latest
 * {@link Stream#record} is done; an event that was never recorded counts as complete. Thread-safe.
 */
public interface Event extends AutoCloseable {

  /**
   * Whether the recorded work is done ({@code cuEventQuery}).
   *
   * @throws DeviceException if the stream it was recorded on has failed
   */
  boolean isComplete();

  /**
   * Blocks until the recorded work is done ({@code cuEventSynchronize}).
   *
   * @throws DeviceException if the stream it was recorded on has failed
   */
  void synchronize();

  /**
   * The device's time at completion, in nanoseconds of {@link Device#clock()}; differences between
   * two events are true device times ({@code cuEventElapsedTime}).
   *
   * @throws IllegalStateException if not complete or never recorded
   * @throws DeviceException if the stream it was recorded on has failed
   */
  long completedNanos();

  @Override
  void close();
}
