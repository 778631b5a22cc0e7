package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuMemcpy2DAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoDAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoHAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoDAsync;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;

import dev.kappa.device.Arguments;
import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Event;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Memory;
import dev.kappa.device.Stream;
import dev.kappa.device.Worker;
import jcuda.driver.CUDA_MEMCPY2D;
import jcuda.driver.CUmemorytype;
import jcuda.driver.CUstream_flags;
import org.jspecify.annotations.Nullable;

/** A stream of the driver, with what its kernels need: argument slots, scratch memory, cuBLAS. */
final class CudaStream implements Stream {

  /** Rows further apart than the driver takes ({@code CU_DEVICE_ATTRIBUTE_MAX_PITCH}). */
  private static final long MOST_PITCH = Integer.MAX_VALUE;

  private final CudaDevice device;
  private final CudaContext context;
  private final String name;
  private final Handles.StreamHandle handle = new Handles.StreamHandle();
  private final Launch launch;
  private final BatchStage batchStage;
  private final Scratch partialScratch;
  private final CUDA_MEMCPY2D copy2d = new CUDA_MEMCPY2D();
  private @Nullable Gemm gemm;
  private @Nullable Bell bell;
  private @Nullable Bounce bounce;
  private volatile boolean closed;

  @SuppressWarnings("this-escape") // The stage asks for nothing before it is used.
  CudaStream(CudaDevice device, CudaContext context, String name) {
    this.device = device;
    this.context = context;
    this.name = name;
    context.bind();
    context.check("cuStreamCreate", cuStreamCreate(handle, CUstream_flags.CU_STREAM_NON_BLOCKING));
    launch = new Launch(context, handle);
    batchStage = new BatchStage(this, context);
    partialScratch = new Scratch(context, handle);
  }

  /** The CUDA stream behind the seam's type, ready for the caller's thread. */
  static CudaStream of(Stream stream) {
    if (stream instanceof CudaStream own) {
      own.checkOpen();
      return own;
    }
    throw new IllegalArgumentException("not a stream of a CUDA device: " + stream);
  }

  Handles.StreamHandle handle() {
    return handle;
  }

  /** For the arguments of the next kernel. */
  Launch launch() {
    return launch.clear();
  }

  /** The batch as this stream's kernels read it. */
  BatchStage batchStage() {
    return batchStage;
  }

  /** Where attention keeps segments until they are merged. */
  Scratch partialScratch() {
    return partialScratch;
  }

  Gemm gemm() {
    Gemm found = gemm;
    if (found == null) {
      found = new Gemm(context, handle, device.isDeterministic());
      gemm = found;
    }
    return found;
  }

  @Override
  public void copy(Memory target, long targetOffset, Memory source, long sourceOffset, long bytes) {
    checkOpen();
    Arguments.copy(target, targetOffset, source, sourceOffset, bytes);
    if (bytes == 0) {
      return;
    }
    if (isUnpinned(target) || isUnpinned(source)) {
      bounce()
          .copy(
              new Bounce.Side(target, targetOffset, bytes),
              new Bounce.Side(source, sourceOffset, bytes),
              bytes,
              1);
      return;
    }
    transfer(target, targetOffset, source, sourceOffset, bytes);
  }

  private static boolean isUnpinned(Memory memory) {
    return memory instanceof HostMemory host && !host.isPinned();
  }

  private Bounce bounce() {
    Bounce found = bounce;
    if (found == null) {
      found = new Bounce(context, this);
      bounce = found;
    }
    return found;
  }

  /** A checked copy that needs no way round. */
  private void transfer(
      Memory target, long targetOffset, Memory source, long sourceOffset, long bytes) {
    long to = target.address() + targetOffset;
    long from = source.address() + sourceOffset;
    if (target instanceof DeviceMemory) {
      if (source instanceof HostMemory host) {
        long at = host.segment().address() + sourceOffset;
        context.check(
            "cuMemcpyHtoDAsync",
            cuMemcpyHtoDAsync(Handles.device(to), Handles.host(at), bytes, handle));
      } else {
        context.check(
            "cuMemcpyDtoDAsync",
            cuMemcpyDtoDAsync(Handles.device(to), Handles.device(from), bytes, handle));
      }
    } else if (source instanceof DeviceMemory && target instanceof HostMemory host) {
      long at = host.segment().address() + targetOffset;
      context.check(
          "cuMemcpyDtoHAsync",
          cuMemcpyDtoHAsync(Handles.host(at), Handles.device(from), bytes, handle));
    } else {
      context.check(
          "cuMemcpyAsync", cuMemcpyAsync(Handles.device(to), Handles.device(from), bytes, handle));
    }
  }

  /** Copies the start of pinned memory to an address that the caller vouches for. */
  void copyToDevice(long to, HostMemory source, long bytes) {
    checkOpen();
    source.checkRange(0, bytes);
    context.check(
        "cuMemcpyHtoDAsync",
        cuMemcpyHtoDAsync(
            Handles.device(to), Handles.host(source.segment().address()), bytes, handle));
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
    checkOpen();
    Arguments.copy2d(
        target, targetOffset, targetPitch, source, sourceOffset, sourcePitch, width, height);
    if (width == 0 || height == 0) {
      return;
    }
    Bounce.Side to = new Bounce.Side(target, targetOffset, targetPitch);
    Bounce.Side from = new Bounce.Side(source, sourceOffset, sourcePitch);
    if (isUnpinned(target) || isUnpinned(source)) {
      bounce().copy(to, from, width, height);
    } else {
      transfer(to, from, width, height);
    }
  }

  /** A checked copy of rows that needs no way round. */
  void transfer(Bounce.Side to, Bounce.Side from, long width, long height) {
    // A single row has no pitch that matters, yet the driver refuses one shorter than the row.
    if (height == 1 || Math.max(to.pitch(), from.pitch()) > MOST_PITCH) {
      for (long row = 0; row < height; row++) {
        transfer(
            to.memory(),
            to.offset() + row * to.pitch(),
            from.memory(),
            from.offset() + row * from.pitch(),
            width);
      }
      return;
    }
    if (to.memory() instanceof HostMemory host) {
      copy2d.dstMemoryType = CUmemorytype.CU_MEMORYTYPE_HOST;
      copy2d.dstHost = Handles.host(host.segment().address() + to.offset());
    } else {
      copy2d.dstMemoryType = CUmemorytype.CU_MEMORYTYPE_DEVICE;
      copy2d.dstDevice = Handles.device(to.memory().address() + to.offset());
    }
    if (from.memory() instanceof HostMemory host) {
      copy2d.srcMemoryType = CUmemorytype.CU_MEMORYTYPE_HOST;
      copy2d.srcHost = Handles.host(host.segment().address() + from.offset());
    } else {
      copy2d.srcMemoryType = CUmemorytype.CU_MEMORYTYPE_DEVICE;
      copy2d.srcDevice = Handles.device(from.memory().address() + from.offset());
    }
    copy2d.dstPitch = to.pitch();
    copy2d.srcPitch = from.pitch();
    copy2d.WidthInBytes = width;
    copy2d.Height = height;
    context.check("cuMemcpy2DAsync", cuMemcpy2DAsync(copy2d, handle));
  }

  @Override
  public void record(Event event) {
    checkOpen();
    CudaEvent.of(event).record(handle);
  }

  @Override
  public void await(Event event) {
    checkOpen();
    CudaEvent.of(event).await(handle);
  }

  @Override
  public void signal(Worker worker) {
    checkOpen();
    try {
      bell().ring(handle, worker::signal);
    } catch (DeviceException e) {
      // Nobody else would wake it in a lost context.
      worker.signal();
      throw e;
    }
  }

  private Bell bell() {
    Bell found = bell;
    if (found == null) {
      found = new Bell(device, context);
      bell = found;
    }
    return found;
  }

  /**
   * Calls the host once the work submitted so far is done, and lets later work wait for it; the
   * call must not throw.
   */
  void call(Runnable call) {
    checkOpen();
    device.hostCalls().submit(handle, call);
  }

  @Override
  public void synchronize() {
    checkOpen();
    context.check("cuStreamSynchronize", cuStreamSynchronize(handle));
    if (bell != null) {
      bell.synchronize();
    }
  }

  /** Waits first, as the driver would release a busy stream at once. */
  @Override
  public void close() {
    synchronized (handle) {
      if (closed) {
        return;
      }
      closed = true;
    }
    context.bind();
    context.ignore(cuStreamSynchronize(handle));
    if (bell != null) {
      bell.close();
    }
    if (bounce != null) {
      bounce.close();
    }
    if (gemm != null) {
      gemm.close();
    }
    batchStage.close();
    partialScratch.close();
    context.ignore(cuStreamDestroy(handle));
    launch.close();
    device.forget(this);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("stream " + name + " is closed");
    }
    context.bind();
  }
}
