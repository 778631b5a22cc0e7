package dev.kappa.device.host;

import dev.kappa.device.DeviceException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Anonymous memory from Linux's mmap, aligned to huge pages and marked for them by madvise. A TLB
 * entry then covers 2 MiB, which large sequential reads feel.
 */
final class HugePages {

  /** Bytes of a huge page on x86-64, and on AArch64 with 4 KiB pages. */
  static final long SIZE = 2L << 20;

  private static final int MADV_HUGEPAGE = 14;

  /** Populates page tables, since Linux 5.14. */
  private static final int MADV_POPULATE_WRITE = 23;

  private static final long MAP_FAILED = -1;
  private static final int EINTR = 4;
  private static final int EAGAIN = 11;
  private static final int EINVAL = 22;

  private static final long SMALL_PAGE = 4096;

  /** Bytes populated by one call: it keeps other threads from mapping memory, here for moments. */
  private static final long STEP = 16 * SIZE;

  /** Whether this system has what {@link #map} calls. */
  static final boolean AVAILABLE = System.getProperty("os.name", "").equals("Linux");

  private HugePages() {}

  /**
   * Maps {@code bytes} bytes, rounded up to whole huge pages; released with the arena.
   *
   * @throws DeviceException if the system refuses
   */
  static MemorySegment map(long bytes, Arena arena) {
    long size = Math.ceilDiv(bytes, SIZE) * SIZE;
    // Room to move the start up to the next huge page; what is left around it goes back at once.
    long mapped = size + SIZE;
    long start = SystemCalls.mmap(mapped);
    if (start == MAP_FAILED) {
      throw new DeviceException("mmap of " + mapped + " bytes failed");
    }
    long aligned = Math.ceilDiv(start, SIZE) * SIZE;
    unmap(start, aligned - start);
    unmap(aligned + size, start + mapped - (aligned + size));
    // Only advice: without huge pages the memory is as good, a little slower.
    int ignored = SystemCalls.madvise(aligned, size, MADV_HUGEPAGE);
    return MemorySegment.ofAddress(aligned)
        .reinterpret(bytes, arena, whole -> SystemCalls.munmap(aligned, size));
  }

  private static void unmap(long address, long bytes) {
    if (bytes > 0) {
      SystemCalls.munmap(address, bytes);
    }
  }

  /**
   * Makes all pages of a mapping present, so that no later access waits for the system to find one.
   *
   * @param fresh memory that holds nothing yet
   * @throws DeviceException if there is not enough memory
   */
  static void populate(MemorySegment fresh) {
    long end = fresh.address() + fresh.byteSize();
    for (long at = fresh.address(); at < end; ) {
      long bytes = Math.min(STEP, end - at);
      int error = SystemCalls.madvise(at, bytes, MADV_POPULATE_WRITE);
      switch (error) {
        case 0 -> at += bytes;
        case EINTR, EAGAIN -> {}
        case EINVAL -> {
          touch(fresh);
          return;
        }
        default ->
            throw new DeviceException(
                "populating %d bytes of memory failed with error %d"
                    .formatted(fresh.byteSize(), error));
      }
    }
  }

  /** Populates the old way: a write to every page. */
  static void touch(MemorySegment fresh) {
    for (long at = 0; at < fresh.byteSize(); at += SMALL_PAGE) {
      fresh.set(ValueLayout.JAVA_BYTE, at, (byte) 0);
    }
  }
}
