package dev.kappa.device;

import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/** A device that passes everything on to another one, for subclasses that interfere. */
public class WrappedDevice implements Device {

  private final Device real;
  private final Kernels kernels;

  /** Wraps a device, and owns it. */
  public WrappedDevice(Device real) {
    this.real = real;
    Kernels own = real.kernels();
    kernels =
        (Kernels)
            Proxy.newProxyInstance(
                Kernels.class.getClassLoader(),
                new Class<?>[] {Kernels.class},
                (self, method, arguments) -> invoke(own, method, arguments));
  }

  /** The stream at the bottom of all wrappings. */
  public static Stream unwrap(Stream stream) {
    return stream instanceof WrappedStream wrapped ? unwrap(wrapped.real) : stream;
  }

  private static Object invoke(Kernels kernels, Method method, Object[] arguments)
      throws Throwable {
    if (arguments != null && arguments.length > 0 && arguments[0] instanceof WrappedStream stream) {
      stream.beforeKernel(method.getName());
      arguments[0] = stream.real;
    }
    try {
      return method.invoke(kernels, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  /** What {@link #newStream} gives out. */
  protected WrappedStream wrap(String name, Stream stream) {
    return new WrappedStream(stream);
  }

  @Override
  public DeviceInfo info() {
    return real.info();
  }

  @Override
  public Clock clock() {
    return real.clock();
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public DeviceMemory allocate(long bytes) {
    return real.allocate(bytes);
  }

  @Override
  public HostMemory allocateHost(long bytes) {
    return real.allocateHost(bytes);
  }

  @Override
  public HostMemory allocateUnpinned(long bytes) {
    return real.allocateUnpinned(bytes);
  }

  @Override
  public Weight loadWeight(MatrixSource source) {
    return real.loadWeight(source);
  }

  @Override
  public Encoding keeps(Encoding source) {
    return real.keeps(source);
  }

  @Override
  public DeviceMemory loadVector(DType dtype, MemorySegment source) {
    return real.loadVector(dtype, source);
  }

  @Override
  public Stream newStream(String name) {
    return wrap(name, real.newStream(name));
  }

  @Override
  public Event newEvent() {
    return real.newEvent();
  }

  @Override
  public Worker newWorker(String name, Worker.Task task) {
    return real.newWorker(name, task);
  }

  @Override
  public long freeHostBytes() {
    return real.freeHostBytes();
  }

  @Override
  public long freeBytes() {
    return real.freeBytes();
  }

  @Override
  public long allocatedBytes() {
    return real.allocatedBytes();
  }

  @Override
  public void close() {
    real.close();
  }

  /** A stream that passes everything on to another one. */
  public static class WrappedStream implements Stream {

    private final Stream real;

    protected WrappedStream(Stream real) {
      this.real = real;
    }

    /** Called before a kernel is launched on the stream. */
    protected void beforeKernel(String name) {
      beforeMark();
    }

    /** Called before a copy is submitted; what it throws refuses the copy. */
    protected void beforeCopy(Memory target, Memory source) {
      beforeMark();
    }

    /** Called before any other operation is submitted. */
    protected void beforeMark() {}

    /** Called before the caller waits for the stream. */
    protected void beforeSynchronize() {}

    @Override
    public void copy(
        Memory target, long targetOffset, Memory source, long sourceOffset, long bytes) {
      beforeCopy(target, source);
      real.copy(target, targetOffset, source, sourceOffset, bytes);
    }

    @Override
    public void copy2d(
        Memory target,
        long targetOffset,
        long targetPitch,
        Memory source,
        long sourceOffset,
        long sourcePitch,
        long width,
        long height) {
      beforeCopy(target, source);
      real.copy2d(
          target, targetOffset, targetPitch, source, sourceOffset, sourcePitch, width, height);
    }

    @Override
    public void record(Event event) {
      beforeMark();
      real.record(event);
    }

    @Override
    public void await(Event event) {
      beforeMark();
      real.await(event);
    }

    @Override
    public void signal(Worker worker) {
      beforeMark();
      real.signal(worker);
    }

    @Override
    public void synchronize() {
      beforeSynchronize();
      real.synchronize();
    }

    @Override
    public void close() {
      real.close();
    }
  }
}
