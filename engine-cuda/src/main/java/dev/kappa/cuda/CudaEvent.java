package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuEventDestroy;
import static jcuda.driver.JCudaDriver.cuEventQuery;
import static jcuda.driver.JCudaDriver.cuEventRecord;
import static jcuda.driver.JCudaDriver.cuEventSynchronize;
import static jcuda.driver.JCudaDriver.cuStreamWaitEvent;

import dev.kappa.device.Event;
import jcuda.driver.CUevent;
import jcuda.driver.CUresult;

/** An event of the driver, which keeps the latest recording just as the seam's does. */
final class CudaEvent implements Event {

  private final CudaContext context;
  private final EventClock clock;
  private final CUevent event = new CUevent();
  private volatile boolean recorded;
  private volatile boolean closed;

  CudaEvent(CudaContext context, EventClock clock) {
    this.context = context;
    this.clock = clock;
    context.bind();
    context.check("cuEventCreate", cuEventCreate(event, 0));
  }

  static CudaEvent of(Event event) {
    if (event instanceof CudaEvent own) {
      return own;
    }
    throw new IllegalArgumentException("not an event of a CUDA device: " + event);
  }

  void record(Handles.StreamHandle stream) {
    bind();
    context.check("cuEventRecord", cuEventRecord(event, stream));
    recorded = true;
  }

  void await(Handles.StreamHandle stream) {
    bind();
    if (recorded) {
      context.check("cuStreamWaitEvent", cuStreamWaitEvent(stream, event, 0));
    }
  }

  @Override
  public boolean isComplete() {
    bind();
    int code = cuEventQuery(event);
    if (code == CUresult.CUDA_ERROR_NOT_READY) {
      return false;
    }
    context.check("cuEventQuery", code);
    return true;
  }

  @Override
  public void synchronize() {
    bind();
    context.check("cuEventSynchronize", cuEventSynchronize(event));
  }

  @Override
  public long completedNanos() {
    if (!recorded) {
      throw new IllegalStateException("event was never recorded");
    }
    if (!isComplete()) {
      throw new IllegalStateException("event is not complete");
    }
    return clock.nanos(event);
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      context.bind();
      closed = true;
      context.ignore(cuEventDestroy(event));
    }
  }

  private void bind() {
    if (closed) {
      throw new IllegalStateException("event is closed");
    }
    context.bind();
  }
}
