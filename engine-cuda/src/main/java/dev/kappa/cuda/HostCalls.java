package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuStreamQuery;

import dev.kappa.device.Worker;
import dev.kappa.device.host.ThreadWorker;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import jcuda.driver.CUresult;

/**
 * Calls of Java from a stream. The driver makes them on a thread of its own, where nothing may call
 * the driver. In a lost context it makes none any more; those that wait then are made here, so that
 * nobody sleeps for ever, and a look at the context now and then finds a loss that nobody else
 * notices. Thread-safe.
 */
final class HostCalls implements AutoCloseable {

  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final CudaContext context;
  private final Handles.StreamHandle idle;
  private final Arena arena = Arena.ofShared();
  private final long stub;
  private final Map<Long, Runnable> waiting = new ConcurrentHashMap<>();
  private final AtomicLong numbers = new AtomicLong();
  private final Worker watch;
  private volatile boolean watching;

  /**
   * @param idle a stream that is never busy for long
   */
  HostCalls(CudaContext context, Handles.StreamHandle idle) {
    this.context = context;
    this.idle = idle;
    stub = linkUpcall().address();
    watch = new ThreadWorker("cuda-watch", this::look);
    context.onLoss(this::releaseAll);
  }

  private MemorySegment linkUpcall() {
    try {
      return Linker.nativeLinker()
          .upcallStub(
              MethodHandles.lookup()
                  .findVirtual(
                      HostCalls.class, "run", MethodType.methodType(void.class, long.class))
                  .bindTo(this),
              FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG),
              arena);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError("the method is in this class", e);
    }
  }

  /** Puts a call on a stream; it must not throw. */
  void submit(Handles.StreamHandle stream, Runnable call) {
    long number = numbers.incrementAndGet();
    waiting.put(number, call);
    int code = DriverCalls.launchHostFunction(stream.raw(), stub, number);
    if (code != CUresult.CUDA_SUCCESS && waiting.remove(number) != null) {
      call.run();
      context.check("cuLaunchHostFunc", code);
    }
    if (context.isLost()) {
      releaseAll();
    }
    if (!watching) {
      watching = true;
      watch.signal();
    }
  }

  /** The driver calls this. */
  @SuppressWarnings("UnusedMethod") // By the upcall.
  private void run(long number) {
    Runnable call = waiting.remove(number);
    if (call != null) {
      call.run();
    }
  }

  private long look() {
    if (waiting.isEmpty()) {
      watching = false;
      return waiting.isEmpty() ? Worker.WHEN_SIGNALLED : 0;
    }
    context.bind();
    int code = cuStreamQuery(idle);
    if (code != CUresult.CUDA_ERROR_NOT_READY) {
      context.ignore(code);
    }
    return System.nanoTime() + LOOK_NANOS;
  }

  private void releaseAll() {
    for (Long number : waiting.keySet()) {
      run(number);
    }
  }

  /** Ends the watch; all streams are closed by then. */
  @Override
  public void close() {
    watch.close();
    // A lost context may still hold the stub's address.
    if (!context.isLost()) {
      arena.close();
    }
  }
}
