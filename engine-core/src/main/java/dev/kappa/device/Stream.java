package dev.kappa.device;

/**
 * An in-order queue of work on the device (CUDA: {@code cuStream}). Calls return at once; argument
 * errors are thrown here, failures of the work itself are sticky: later work is skipped and {@link
 * #synchronize} and the events recorded after the failure throw {@link DeviceException}.
 *
 * <p>One thread submits to a stream at a time.
 */
public interface Stream extends AutoCloseable {

  /**
   * Copies bytes between any two memories ({@code cuMemcpyAsync}). The ranges must not overlap and
   * stay untouched by others until the copy is done.
   */
  void copy(Memory target, long targetOffset, Memory source, long sourceOffset, long bytes);

  /**
   * Copies {@code height} rows of {@code width} bytes whose starts are one pitch apart ({@code
   * cuMemcpy2DAsync}).
   */
  void copy2d(
      Memory target,
      long targetOffset,
      long targetPitch,
      Memory source,
      long sourceOffset,
      long sourcePitch,
      long width,
      long height);

  /** Marks the end of the work submitted so far ({@code cuEventRecord}). */
  void record(Event event);

  /**
   * Later work on this stream starts after the event's latest recording so far is complete ({@code
   * cuStreamWaitEvent}); later recordings do not matter. An event never recorded holds nothing up.
   */
  void await(Event event);

  /**
   * Signals a worker once the work submitted so far is done, or has failed ({@code
   * cuLaunchHostFunc}).
   */
  void signal(Worker worker);

  /**
   * Blocks until all submitted work is done ({@code cuStreamSynchronize}).
   *
   * @throws DeviceException if any of it failed
   */
  void synchronize();

  /** Waits for submitted work, then releases the stream. */
  @Override
  void close();
}
