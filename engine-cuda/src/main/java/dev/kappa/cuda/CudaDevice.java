package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuDeviceGetAttribute;
import static jcuda.driver.JCudaDriver.cuDeviceGetName;

import dev.kappa.device.Clock;
import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceInfo;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Encoding;
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
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import jcuda.driver.CUdevice_attribute;

/** A GPU as a device. Once its context is lost, every call fails; it can then only be closed. */
final class CudaDevice implements Device {

  private final boolean deterministic;
  private final CudaContext context;
  private final KernelModule module;
  private final DeviceInfo info;
  private final Kernels kernels;
  private final AtomicLong allocated = new AtomicLong();
  private final Set<CudaStream> streams = ConcurrentHashMap.newKeySet();
  private final CudaStream clockStream;
  private final EventClock eventClock;
  private final HostCalls hostCalls;
  private final Upload upload;
  private volatile boolean closed;

  /**
   * Opens a GPU.
   *
   * @throws dev.kappa.device.DeviceException if driver, cuBLAS or GPU cannot be used
   */
  @SuppressWarnings("this-escape") // Streams ask for nothing before they are used.
  CudaDevice(int ordinal, boolean deterministic) {
    this.deterministic = deterministic;
    context = new CudaContext(ordinal);
    boolean done = false;
    try {
      context.bind();
      int major = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
      module = new KernelModule(context, major);
      info = describe();
      kernels =
          new CudaKernels(
              module, new AttentionCalls(module, processors(), GpuMemory.totalBytes(context)));
      clockStream = new CudaStream(this, context, "clock");
      eventClock = new EventClock(context, clockStream.handle());
      hostCalls = new HostCalls(context, clockStream.handle());
      upload = new Upload(context, module, new CudaStream(this, context, "upload"), eventClock);
      done = true;
    } finally {
      if (!done) {
        context.close();
      }
    }
  }

  private DeviceInfo describe() {
    byte[] name = new byte[256];
    context.check("cuDeviceGetName", cuDeviceGetName(name, name.length, context.device()));
    int major = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
    int minor = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    String numerics =
        "cuda-sm%d%d-cublas%d-%s%s"
            .formatted(
                major,
                minor,
                Gemm.version(context),
                module.version(),
                deterministic ? "-deterministic" : "");
    String text = new String(name, StandardCharsets.UTF_8);
    int end = text.indexOf(0);
    return new DeviceInfo("cuda", end < 0 ? text : text.substring(0, end), numerics, DType.BF16);
  }

  private int processors() {
    return attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  }

  private int attribute(int which) {
    int[] value = new int[1];
    context.check("cuDeviceGetAttribute", cuDeviceGetAttribute(value, which, context.device()));
    return value[0];
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
    return CudaMemory.device(context, bytes, allocated);
  }

  @Override
  public HostMemory allocateHost(long bytes) {
    checkOpen();
    return CudaMemory.host(context, bytes, allocated);
  }

  @Override
  public HostMemory allocateUnpinned(long bytes) {
    checkOpen();
    return CudaMemory.unpinned(context, bytes, allocated);
  }

  @Override
  public Weight loadWeight(MatrixSource source) {
    List<MatrixSource.Part> parts = source.parts();
    DeviceMemory memory = allocate((long) source.allRows() * source.columns() * DType.BF16.bytes());
    boolean done = false;
    try {
      upload.toBf16(parts, memory.address());
      done = true;
    } finally {
      if (!done) {
        memory.close();
      }
    }
    return new CudaWeight(memory, source.matrices(), source.rows(), source.columns());
  }

  @Override
  public Encoding keeps(Encoding source) {
    return Encoding.BF16;
  }

  @Override
  public DeviceMemory loadVector(DType dtype, MemorySegment source) {
    DeviceMemory memory = allocate(source.byteSize() / dtype.bytes() * Float.BYTES);
    boolean done = false;
    try {
      upload.toF32(dtype, source, memory.address());
      done = true;
    } finally {
      if (!done) {
        memory.close();
      }
    }
    return memory;
  }

  @Override
  public Stream newStream(String name) {
    checkOpen();
    CudaStream stream = new CudaStream(this, context, name);
    streams.add(stream);
    return stream;
  }

  @Override
  public Event newEvent() {
    checkOpen();
    return new CudaEvent(context, eventClock);
  }

  @Override
  public Worker newWorker(String name, Worker.Task task) {
    checkOpen();
    return new ThreadWorker(name, task);
  }

  @Override
  public long freeBytes() {
    return GpuMemory.freeBytes(context);
  }

  @Override
  public long freeHostBytes() {
    return SystemInfo.availableBytes();
  }

  @Override
  public long allocatedBytes() {
    return allocated.get();
  }

  boolean isDeterministic() {
    return deterministic;
  }

  HostCalls hostCalls() {
    return hostCalls;
  }

  void forget(CudaStream stream) {
    streams.remove(stream);
  }

  /** Ends streams that are still open, then releases the context. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    context.bind();
    List.copyOf(streams).forEach(Stream::close);
    upload.close();
    hostCalls.close();
    eventClock.close();
    clockStream.close();
    module.close();
    context.close();
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the CUDA device is closed");
    }
    context.bind();
  }
}
