package dev.kappa.device.host;

import dev.kappa.device.DeviceException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A range of anonymous memory outside the heap: large ones in huge pages where the system has them.
 * Closing twice is harmless.
 */
public final class Pages implements AutoCloseable {

  private static final int PAGE = 4096;

  private final Arena arena;
  private final MemorySegment segment;
  private boolean closed;

  @SuppressWarnings("MustBeClosedChecker") // Closed by close(), or here.
  private Pages(long bytes, boolean populated) {
    arena = Arena.ofShared();
    try {
      if (bytes >= HugePages.SIZE && HugePages.AVAILABLE) {
        segment = HugePages.map(bytes, arena);
        if (populated) {
          HugePages.populate(segment);
        }
      } else {
        // Zeroed by Java, so populated in any case.
        segment = arena.allocate(Math.max(bytes, 1), PAGE);
      }
    } catch (OutOfMemoryError | DeviceException e) {
      arena.close();
      throw e;
    }
  }

  /**
   * Takes {@code bytes} bytes, page aligned.
   *
   * @throws DeviceException if there is not enough memory
   */
  public static Pages allocate(long bytes) {
    return allocate(bytes, false);
  }

  /**
   * As {@link #allocate}, with all pages present, so that their first use is as fast as any.
   *
   * @throws DeviceException if there is not enough memory
   */
  public static Pages populate(long bytes) {
    return allocate(bytes, true);
  }

  private static Pages allocate(long bytes, boolean populated) {
    // Asking the system takes longer than a small allocation.
    boolean small = bytes >= 0 && bytes < HugePages.SIZE;
    if (!small) {
      long available = SystemInfo.availableBytes();
      if (bytes < 0 || bytes > available) {
        throw outOfMemory(bytes, available);
      }
    }
    try {
      return new Pages(bytes, populated);
    } catch (OutOfMemoryError | DeviceException e) {
      DeviceException refused = outOfMemory(bytes, SystemInfo.availableBytes());
      refused.addSuppressed(e);
      throw refused;
    }
  }

  private static DeviceException outOfMemory(long bytes, long available) {
    return new DeviceException(
        "cannot allocate %d bytes (%.1f GiB) of memory; the system has %d bytes (%.1f GiB) available"
            .formatted(bytes, gib(bytes), available, gib(available)));
  }

  private static double gib(long bytes) {
    return bytes / (double) (1 << 30);
  }

  /** The bytes; access after closing throws instead of crashing. */
  public MemorySegment segment() {
    return segment;
  }

  public long address() {
    return segment.address();
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      arena.close();
    }
  }
}
