package dev.kappa.device.cpu;

import dev.kappa.device.DeviceException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Anonymous memory from Linux's mmap, aligned to huge pages and marked for them by madvise. A TLB
 * entry then covers 2 MiB, which large sequential reads feel.
 */
final class HugePages {

  /** Bytes of a huge page on x86-64, and on AArch64 with 4 KiB pages. */
  static final long SIZE = 2L << 20;

  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
  private static final int MADV_HUGEPAGE = 14;
  private static final long MAP_FAILED = -1;

  /** Whether this system has what {@link #map} calls. */
  static final boolean AVAILABLE = System.getProperty("os.name", "").equals("Linux");

  private HugePages() {}

  /**
   * Maps at least {@code bytes} bytes, released with the arena.
   *
   * @throws DeviceException if the system refuses
   */
  static MemorySegment map(long bytes, Arena arena) {
    // Room to move the start up to the next huge page.
    long mapped = Math.ceilDiv(bytes, SIZE) * SIZE + SIZE;
    long start = Calls.mmap(mapped);
    if (start == MAP_FAILED) {
      throw new DeviceException("mmap of " + mapped + " bytes failed");
    }
    long aligned = Math.ceilDiv(start, SIZE) * SIZE;
    // Only advice: without huge pages the memory is as good, a little slower.
    Calls.madvise(aligned, start + mapped - aligned);
    return MemorySegment.ofAddress(aligned)
        .reinterpret(bytes, arena, ignored -> Calls.munmap(start, mapped));
  }

  /** The system calls, linked at first use so that other systems never look for them. */
  private static final class Calls {

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

    private static final MethodHandle MMAP =
        link("mmap", FunctionDescriptor.of(LONG, LONG, LONG, INT, INT, INT, LONG));
    private static final MethodHandle MUNMAP =
        link("munmap", FunctionDescriptor.of(INT, LONG, LONG));
    private static final MethodHandle MADVISE =
        link("madvise", FunctionDescriptor.of(INT, LONG, LONG, INT));

    private static MethodHandle link(String name, FunctionDescriptor descriptor) {
      Linker linker = Linker.nativeLinker();
      return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
    }

    static long mmap(long bytes) {
      try {
        return (long) MMAP.invokeExact(0L, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
      } catch (Throwable e) {
        throw new AssertionError("a native call throws nothing", e);
      }
    }

    static void munmap(long address, long bytes) {
      try {
        int ignored = (int) MUNMAP.invokeExact(address, bytes);
      } catch (Throwable e) {
        throw new AssertionError("a native call throws nothing", e);
      }
    }

    static void madvise(long address, long bytes) {
      try {
        int ignored = (int) MADVISE.invokeExact(address, bytes, MADV_HUGEPAGE);
      } catch (Throwable e) {
        throw new AssertionError("a native call throws nothing", e);
      }
    }
  }
}
