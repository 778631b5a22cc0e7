package dev.kappa.device.cpu;

import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.host.Pages;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/** Device and host memory of the CPU device, which are the same kind of bytes. */
final class CpuMemory {

  /** Bytes with one owner, counted until closed. */
  private static final class Owner {
    private final Pages pages;
    private final long bytes;
    private final AtomicLong counter;
    private volatile boolean closed;

    Owner(Pages pages, long bytes, AtomicLong counter) {
      this.pages = pages;
      this.bytes = bytes;
      this.counter = counter;
      counter.addAndGet(bytes);
    }

    long address() {
      if (closed) {
        throw new IllegalStateException("memory of " + bytes + " bytes is closed");
      }
      return pages.address();
    }

    synchronized void close() {
      if (!closed) {
        closed = true;
        counter.addAndGet(-bytes);
        pages.close();
      }
    }
  }

  private CpuMemory() {}

  static DeviceMemory device(long bytes, AtomicLong counter) {
    return new Device(new Owner(Pages.allocate(bytes), bytes, counter), 0, bytes, true);
  }

  /** Host memory is populated, as pinned memory is. */
  static HostMemory host(long bytes, AtomicLong counter) {
    return new Host(new Owner(Pages.populate(bytes), bytes, counter), bytes);
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

  private record Host(Owner owner, long bytes) implements HostMemory {

    @Override
    public long address() {
      return owner.address();
    }

    @Override
    public MemorySegment segment() {
      return owner.pages.segment();
    }

    @Override
    public void close() {
      owner.close();
    }
  }
}
