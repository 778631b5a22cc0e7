package dev.kappa.device.cpu;

import dev.kappa.device.Clock;
import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceInfo;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Event;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Kernels;
import dev.kappa.device.MatrixSource;
import dev.kappa.device.Stream;
import dev.kappa.device.Weight;
import dev.kappa.device.Worker;
import dev.kappa.device.host.SystemInfo;
import dev.kappa.device.host.ThreadWorker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** The processor as a device. */
public final class CpuDevice implements Device {

  /** Changes whenever a kernel's bits change; widths and threads do not change them. */
  private static final String NUMERICS = "cpu-1";

  private final DeviceInfo info;
  private final Links links;
  private final WorkerPool pool;
  private final Kernels kernels;
  private final AtomicLong allocated = new AtomicLong();
  private final Set<CpuStream> streams = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /**
   * Opens the device.
   *
   * @param linkBandwidth see {@link dev.kappa.device.DeviceOptions}
   */
  CpuDevice(int threads, long linkBandwidth) {
    VectorInlining.improve();
    links = Links.of(linkBandwidth);
    info = new DeviceInfo("cpu", SystemInfo.processorName(), NUMERICS, DType.F32);
    pool = new WorkerPool(threads);
    kernels = new CpuKernels(pool);
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public Clock clock() {
    return System::nanoTime;
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public DeviceMemory allocate(long bytes) {
    checkOpen();
    return CpuMemory.device(bytes, allocated);
  }

  @Override
  public HostMemory allocateHost(long bytes) {
    checkOpen();
    return CpuMemory.host(bytes, allocated);
  }

  @Override
  public Weight loadWeight(MatrixSource source) {
    checkOpen();
    PackedWeight weight = new PackedWeight(source, allocated);
    try (Scratch scratch = new Scratch()) {
      WeightPacker packer = new WeightPacker(source, weight);
      pool.run(scratch, packer.panels(), (own, panel) -> packer.pack(panel));
    } catch (RuntimeException | Error e) {
      weight.close();
      throw e;
    }
    return weight;
  }

  @Override
  public DeviceMemory loadVector(DType dtype, MemorySegment source) {
    long count = source.byteSize() / dtype.bytes();
    DeviceMemory vector = allocate(count * Float.BYTES);
    for (long i = 0; i < count; i++) {
      float value =
          switch (dtype) {
            case F32 -> source.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * i);
            case BF16 -> Half.fromBf16(source.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i));
            case F16 -> Float.float16ToFloat(source.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i));
          };
      Raw.putFloat(vector.address() + 4 * i, value);
    }
    return vector;
  }

  @Override
  public Stream newStream(String name) {
    checkOpen();
    CpuStream stream = new CpuStream(this, name);
    streams.add(stream);
    return stream;
  }

  @Override
  public Event newEvent() {
    return new CpuEvent();
  }

  @Override
  public Worker newWorker(String name, Worker.Task task) {
    checkOpen();
    return new ThreadWorker(name, task);
  }

  static CpuEvent eventOf(Event event) {
    if (event instanceof CpuEvent own) {
      return own;
    }
    throw new IllegalArgumentException("not an event of the CPU device: " + event);
  }

  @Override
  public long freeBytes() {
    return SystemInfo.availableBytes();
  }

  @Override
  public long freeHostBytes() {
    return SystemInfo.availableBytes();
  }

  @Override
  public long allocatedBytes() {
    return allocated.get();
  }

  Links links() {
    return links;
  }

  void forget(CpuStream stream) {
    streams.remove(stream);
  }

  /** Ends streams that are still open, then the workers. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      List.copyOf(streams).forEach(Stream::close);
      pool.close();
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the CPU device is closed");
    }
  }
}
