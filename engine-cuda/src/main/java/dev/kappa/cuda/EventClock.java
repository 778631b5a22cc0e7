package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuEventDestroy;
import static jcuda.driver.JCudaDriver.cuEventElapsedTime;
import static jcuda.driver.JCudaDriver.cuEventRecord;
import static jcuda.driver.JCudaDriver.cuEventSynchronize;

import java.util.concurrent.TimeUnit;
import jcuda.driver.CUevent;

/**
 * The device's times on the host's clock. The driver gives only differences of events, as 32-bit
 * milliseconds, which lose precision with distance. So an anchor event, whose host time is known,
 * is renewed every second: the new one's time is the old one's plus the difference, so that device
 * times stay exact, and from there on they run a little faster or slower (at most {@link
 * #MOST_SLEW}) to stay with the host's clock. Thread-safe.
 */
final class EventClock implements AutoCloseable {

  private static final long RENEW_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Beyond this, a 32-bit difference is coarser than setting the clock anew. */
  private static final long FORGET_NANOS = TimeUnit.SECONDS.toNanos(60);

  private static final double MOST_SLEW = 5e-5;
  private static final int ATTEMPTS = 5;

  private final CudaContext context;
  private final Handles.StreamHandle stream;
  private CUevent anchor;
  private CUevent spare;
  private long anchorNanos;
  private double rate = 1;

  /**
   * @param stream one that is never busy for long
   */
  EventClock(CudaContext context, Handles.StreamHandle stream) {
    this.context = context;
    this.stream = stream;
    anchor = newEvent();
    spare = newEvent();
    set();
  }

  private CUevent newEvent() {
    CUevent event = new CUevent();
    context.check("cuEventCreate", cuEventCreate(event, 0));
    return event;
  }

  /** Host time at which a complete event was reached. */
  synchronized long nanos(CUevent event) {
    if (System.nanoTime() - anchorNanos > RENEW_NANOS) {
      renew();
    }
    return anchorNanos + Math.round(elapsed(anchor, event) * rate);
  }

  /** Finds the host time of the anchor: in the middle of the shortest of a few looks. */
  private void set() {
    long shortest = Long.MAX_VALUE;
    long middle = 0;
    for (int i = 0; i < ATTEMPTS; i++) {
      long before = System.nanoTime();
      record(spare);
      long after = System.nanoTime();
      if (after - before < shortest) {
        shortest = after - before;
        middle = before + shortest / 2;
        swap();
      }
    }
    anchorNanos = middle;
    rate = 1;
  }

  private void renew() {
    if (System.nanoTime() - anchorNanos > FORGET_NANOS) {
      set();
      return;
    }
    record(spare);
    long now = System.nanoTime();
    anchorNanos += Math.round(elapsed(anchor, spare) * rate);
    swap();
    double error = (double) (now - anchorNanos) / TimeUnit.SECONDS.toNanos(10);
    rate = 1 + Math.clamp(error, -MOST_SLEW, MOST_SLEW);
  }

  private void swap() {
    CUevent old = anchor;
    anchor = spare;
    spare = old;
  }

  private void record(CUevent event) {
    context.check("cuEventRecord", cuEventRecord(event, stream));
    context.check("cuEventSynchronize", cuEventSynchronize(event));
  }

  private double elapsed(CUevent from, CUevent to) {
    float[] millis = new float[1];
    context.check("cuEventElapsedTime", cuEventElapsedTime(millis, from, to));
    return millis[0] * 1e6;
  }

  @Override
  public synchronized void close() {
    context.ignore(cuEventDestroy(anchor));
    context.ignore(cuEventDestroy(spare));
  }
}
