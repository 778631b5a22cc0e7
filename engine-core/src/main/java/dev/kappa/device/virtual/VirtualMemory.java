package dev.kappa.device.virtual;

import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Device memory, which is numbers only, and host memory, which is real while it is small. */
final class VirtualMemory {

  /** Host memory beyond this has no bytes: enough for batches and logits, not for KV blocks. */
  static final long MOST_REAL_BYTES = 64L << 20;

  private static final int PAGE = 4096;

  private VirtualMemory() {}

  static DeviceMemory device(MemoryBooks books, long bytes) {
    return new Device(new Owner(books, bytes, false), 0, bytes, true);
  }

  static HostMemory host(MemoryBooks books, long bytes) {
    Owner owner = new Owner(books, bytes, bytes <= MOST_REAL_BYTES);
    Arena arena = owner.arena;
    return new Host(owner, bytes, arena == null ? null : arena.allocate(Math.max(bytes, 1), PAGE));
  }

  /** Bytes with one owner, counted until closed. */
  private static final class Owner {
    private final MemoryBooks books;
    private final long bytes;
    private final long number;
    private final @Nullable Arena arena;
    private boolean closed;

    @SuppressWarnings("MustBeClosedChecker") // Closed by close().
    Owner(MemoryBooks books, long bytes, boolean real) {
      this.books = books;
      this.bytes = bytes;
      number = books.take(bytes);
      arena = real ? Arena.ofShared() : null;
    }

    void checkOpen() {
      if (closed) {
        throw new IllegalStateException("memory of " + bytes + " bytes is closed");
      }
    }

    void close() {
      if (!closed) {
        closed = true;
        books.giveBack(bytes);
        if (arena != null) {
          arena.close();
        }
      }
    }
  }

  private record Device(Owner owner, long offset, long bytes, boolean owns)
      implements DeviceMemory {

    @Override
    public long address() {
      owner.checkOpen();
      return owner.number + offset;
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

  private record Host(Owner owner, long bytes, @Nullable MemorySegment real) implements HostMemory {

    @Override
    public long address() {
      owner.checkOpen();
      return real == null ? owner.number : real.address();
    }

    @Override
    public MemorySegment segment() {
      if (real == null) {
        throw new UnsupportedOperationException(
            "%d bytes of virtual host memory have no contents; up to %d would"
                .formatted(bytes, MOST_REAL_BYTES));
      }
      return real.asSlice(0, bytes);
    }

    @Override
    public void close() {
      owner.close();
    }
  }
}
