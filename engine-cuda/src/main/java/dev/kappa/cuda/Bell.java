package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;

import jcuda.driver.CUstream_flags;

/**
 * Calls the host when a stream has come to a point, without holding the stream up: the driver lets
 * nothing behind a host function begin before that has returned, so it runs on a stream of its own,
 * which waits for an event of the other. Used by one thread at a time.
 */
final class Bell implements AutoCloseable {

  private final CudaContext context;
  private final HostCalls calls;
  private final Handles.StreamHandle own = new Handles.StreamHandle();
  private final CudaEvent reached;

  Bell(CudaDevice device, CudaContext context) {
    this.context = context;
    calls = device.hostCalls();
    context.bind();
    context.check("cuStreamCreate", cuStreamCreate(own, CUstream_flags.CU_STREAM_NON_BLOCKING));
    try {
      reached = CudaEvent.of(device.newEvent());
    } catch (RuntimeException e) {
      context.ignore(cuStreamDestroy(own));
      throw e;
    }
  }

  /** Calls once the work on a stream so far is done; the call must not throw. */
  void ring(Handles.StreamHandle stream, Runnable call) {
    // One event will do: what waits for it waits for the recording of its time.
    reached.record(stream);
    reached.await(own);
    calls.submit(own, call);
  }

  /** Waits until all calls so far have been made. */
  void synchronize() {
    context.check("cuStreamSynchronize", cuStreamSynchronize(own));
  }

  /** Waits for calls under way. */
  @Override
  public void close() {
    context.ignore(cuStreamSynchronize(own));
    reached.close();
    context.ignore(cuStreamDestroy(own));
  }
}
