package dev.kappa.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * The few calls of the NVIDIA driver library that tell what is there without claiming a GPU. Not
 * thread-safe; one probe each.
 */
final class CudaDriver {

  /**
   * What the driver reports.
   *
   * @param devices how many GPUs there are; the rest is about the one asked for, if it is there
   * @param capability ten times the compute capability
   */
  record Found(int driverVersion, int devices, String name, int capability, long memoryBytes) {}

  private static final int SUCCESS = 0;
  private static final int NAME_BYTES = 256;

  /** {@code CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR} and {@code _MINOR}. */
  private static final int CAPABILITY_MAJOR = 75;

  private static final int CAPABILITY_MINOR = 76;

  private final SymbolLookup library;

  private CudaDriver(SymbolLookup library) {
    this.library = library;
  }

  /**
   * Asks the driver.
   *
   * @return empty if there is no driver library
   * @throws CudaException if the driver refuses a call
   */
  static Optional<Found> query(int ordinal) {
    try (Arena arena = Arena.ofConfined()) {
      SymbolLookup library;
      try {
        // For good: a driver that was initialized is not to be unloaded.
        library = SymbolLookup.libraryLookup("libcuda.so.1", Arena.global());
      } catch (IllegalArgumentException e) {
        return Optional.empty();
      }
      return Optional.of(new CudaDriver(library).ask(arena, ordinal));
    }
  }

  private Found ask(Arena arena, int ordinal) {
    check("cuInit", call("cuInit", 0));
    MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
    check("cuDriverGetVersion", call("cuDriverGetVersion", value));
    int version = value.get(ValueLayout.JAVA_INT, 0);
    check("cuDeviceGetCount", call("cuDeviceGetCount", value));
    int devices = value.get(ValueLayout.JAVA_INT, 0);
    if (ordinal >= devices) {
      return new Found(version, devices, "", 0, 0);
    }
    check("cuDeviceGet", call("cuDeviceGet", value, ordinal));
    int device = value.get(ValueLayout.JAVA_INT, 0);
    MemorySegment text = arena.allocate(NAME_BYTES);
    check("cuDeviceGetName", call("cuDeviceGetName", text, NAME_BYTES, device));
    MemorySegment bytes = arena.allocate(ValueLayout.JAVA_LONG);
    check("cuDeviceTotalMem", call("cuDeviceTotalMem_v2", bytes, device));
    int capability =
        10 * attribute(value, CAPABILITY_MAJOR, device)
            + attribute(value, CAPABILITY_MINOR, device);
    return new Found(
        version, devices, text.getString(0), capability, bytes.get(ValueLayout.JAVA_LONG, 0));
  }

  private int attribute(MemorySegment value, int attribute, int device) {
    check("cuDeviceGetAttribute", call("cuDeviceGetAttribute", value, attribute, device));
    return value.get(ValueLayout.JAVA_INT, 0);
  }

  private int call(String function, Object... arguments) {
    MemorySegment address =
        library
            .find(function)
            .orElseThrow(() -> new CudaException("the driver library has no " + function));
    ValueLayout[] layouts = new ValueLayout[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      layouts[i] =
          arguments[i] instanceof MemorySegment ? ValueLayout.ADDRESS : ValueLayout.JAVA_INT;
    }
    MethodHandle handle =
        Linker.nativeLinker()
            .downcallHandle(address, FunctionDescriptor.of(ValueLayout.JAVA_INT, layouts));
    try {
      return (int) handle.invokeWithArguments(arguments);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      // A downcall throws nothing itself; method handles only declare that they might.
      throw new IllegalStateException(function, e);
    }
  }

  private static void check(String function, int code) {
    if (code != SUCCESS) {
      throw new CudaException("%s failed with CUresult %d".formatted(function, code));
    }
  }
}
