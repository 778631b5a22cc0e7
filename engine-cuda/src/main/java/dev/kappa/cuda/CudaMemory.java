package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemHostGetDevicePointer;
import static jcuda.driver.JCudaDriver.cuMemHostRegister;
import static jcuda.driver.JCudaDriver.cuMemHostUnregister;

import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.host.Pages;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/** Device memory, and host memory that is pinned and mapped, or neither. */
final class CudaMemory {

  private static final int PINNED_FLAGS =
      JCudaDriver.CU_MEMHOSTREGISTER_PORTABLE | JCudaDriver.CU_MEMHOSTREGISTER_DEVICEMAP;

  /** Bytes with one owner, counted until closed. */
  private static final class Owner {
    private final CudaContext context;
    private final long address;
    private final long bytes;
    private final @Nullable Pages pages;
    private final boolean pinned;
    private final AtomicLong counter;
    private volatile boolean closed;

    Owner(
        CudaContext context,
        long address,
        long bytes,
        @Nullable Pages pages,
        boolean pinned,
        AtomicLong counter) {
      this.context = context;
      this.address = address;
      this.bytes = bytes;
      this.pages = pages;
      this.pinned = pinned;
      this.counter = counter;
      counter.addAndGet(bytes);
    }

    long address() {
      if (closed) {
        throw new IllegalStateException("memory of " + bytes + " bytes is closed");
      }
      return address;
    }

    synchronized void close() {
      if (closed) {
        return;
      }
      closed = true;
      counter.addAndGet(-bytes);
      context.bind();
      if (pages == null) {
        context.ignore(cuMemFree(Handles.device(address)));
        return;
      }
      if (pinned) {
        context.ignore(cuMemHostUnregister(Handles.host(pages.address())));
      }
      pages.close();
    }
  }

  private CudaMemory() {}

  /**
   * Allocates device memory, counted in {@code counter} until closed.
   *
   * @throws DeviceException if there is not enough
   */
  static DeviceMemory device(CudaContext context, long bytes, AtomicLong counter) {
    context.bind();
    Handles.DevicePointer pointer = new Handles.DevicePointer();
    int code = cuMemAlloc(pointer, Math.max(bytes, 1));
    if (code == CUresult.CUDA_ERROR_OUT_OF_MEMORY || code == CUresult.CUDA_ERROR_INVALID_VALUE) {
      throw new DeviceException(
          "cannot allocate %d bytes (%.1f GiB) on the GPU, of which %d bytes (%.1f GiB) are free"
              .formatted(
                  bytes,
                  bytes / (double) (1 << 30),
                  GpuMemory.freeBytes(context),
                  GpuMemory.freeBytes(context) / (double) (1 << 30)));
    }
    context.check("cuMemAlloc", code);
    return new Device(
        new Owner(context, pointer.raw(), bytes, null, false, counter), 0, bytes, true);
  }

  /**
   * Allocates host memory in one registration, so that no copy within it crosses two.
   *
   * @throws DeviceException if there is not enough or it cannot be pinned
   */
  static HostMemory host(CudaContext context, long bytes, AtomicLong counter) {
    context.bind();
    Pages pages = Pages.populate(bytes);
    boolean done = false;
    try {
      int code = cuMemHostRegister(Handles.host(pages.address()), Math.max(bytes, 1), PINNED_FLAGS);
      if (code != CUresult.CUDA_SUCCESS) {
        context.check("pinning %d bytes of host memory: cuMemHostRegister".formatted(bytes), code);
      }
      Handles.DevicePointer mapped = new Handles.DevicePointer();
      code = cuMemHostGetDevicePointer(mapped, Handles.host(pages.address()), 0);
      if (code != CUresult.CUDA_SUCCESS) {
        context.ignore(cuMemHostUnregister(Handles.host(pages.address())));
        context.check("cuMemHostGetDevicePointer", code);
      }
      done = true;
      return new Host(new Owner(context, mapped.raw(), bytes, pages, true, counter), pages, bytes);
    } finally {
      if (!done) {
        pages.close();
      }
    }
  }

  /**
   * Allocates host memory that the driver knows nothing of.
   *
   * @throws DeviceException if there is not enough
   */
  static HostMemory unpinned(CudaContext context, long bytes, AtomicLong counter) {
    Pages pages = Pages.populate(bytes);
    return new Host(
        new Owner(context, pages.address(), bytes, pages, false, counter), pages, bytes);
  }

  private record Device(Owner owner, long offset, long bytes, boolean owns)
      implements DeviceMemory {

    @Override
    public long address() {
      return owner.address() + offset;
    }

    @Override
    public DeviceMemory slice(long from, long length) {
      checkRange(from, length);
      return new Device(owner, offset + from, length, false);
    }

    @Override
    public void close() {
      if (owns) {
        owner.close();
      }
    }
  }

  private record Host(Owner owner, Pages pages, long bytes) implements HostMemory {

    @Override
    public long address() {
      return owner.address();
    }

    @Override
    public boolean isPinned() {
      return owner.pinned;
    }

    @Override
    public MemorySegment segment() {
      return pages.segment();
    }

    @Override
    public void close() {
      owner.close();
    }
  }
}
