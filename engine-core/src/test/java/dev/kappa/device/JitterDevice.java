package dev.kappa.device;

import dev.kappa.device.cpu.CpuDelays;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The CPU device with streams that dawdle: before each operation, with some probability, the stream
 * waits for a random time. So streams drift apart, and what lacks an event between them fails.
 */
public final class JitterDevice implements Device {

  private final Device real;
  private final Kernels kernels;
  private final long seed;
  private final double probability;
  private final long maxNanos;
  private final AtomicInteger streams = new AtomicInteger();

  /**
   * Wraps a device, and owns it.
   *
   * @param real a CPU device
   * @param seed decides each stream's delays, together with how many streams came before it
   * @param probability of a delay before an operation
   * @param maxNanos the longest delay
   */
  public JitterDevice(Device real, long seed, double probability, long maxNanos) {
    this.real = real;
    this.seed = seed;
    this.probability = probability;
    this.maxNanos = maxNanos;
    Kernels own = real.kernels();
    kernels =
        (Kernels)
            Proxy.newProxyInstance(
                Kernels.class.getClassLoader(),
                new Class<?>[] {Kernels.class},
                (self, method, arguments) -> invoke(own, method, arguments));
  }

  private static Object invoke(Kernels kernels, Method method, Object[] arguments)
      throws Throwable {
    if (arguments != null && arguments.length > 0 && arguments[0] instanceof JitterStream stream) {
      stream.dawdle();
      arguments[0] = stream.real;
    }
    try {
      return method.invoke(kernels, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
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
  public Weight loadWeight(MatrixSource source) {
    return real.loadWeight(source);
  }

  @Override
  public DeviceMemory loadVector(DType dtype, MemorySegment source) {
    return real.loadVector(dtype, source);
  }

  @Override
  public Stream newStream(String name) {
    return new JitterStream(real.newStream(name), seed + streams.getAndIncrement());
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

  private final class JitterStream implements Stream {

    private final Stream real;
    private final Random random;

    JitterStream(Stream real, long seed) {
      this.real = real;
      random = new Random(seed);
    }

    void dawdle() {
      if (random.nextDouble() < probability) {
        CpuDelays.delay(real, random.nextLong(maxNanos + 1));
      }
    }

    @Override
    public void copy(
        Memory target, long targetOffset, Memory source, long sourceOffset, long bytes) {
      dawdle();
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
      dawdle();
      real.copy2d(
          target, targetOffset, targetPitch, source, sourceOffset, sourcePitch, width, height);
    }

    @Override
    public void record(Event event) {
      dawdle();
      real.record(event);
    }

    @Override
    public void await(Event event) {
      dawdle();
      real.await(event);
    }

    @Override
    public void signal(Worker worker) {
      dawdle();
      real.signal(worker);
    }

    @Override
    public void synchronize() {
      real.synchronize();
    }

    @Override
    public void close() {
      real.close();
    }
  }
}
