package dev.kappa.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Driver calls past JCuda: those made hundreds of times per step, where JCuda's way of passing
 * arguments costs microseconds. Linked at first use, when the driver library is loaded.
 */
final class DriverCalls {

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  private static final SymbolLookup DRIVER =
      SymbolLookup.libraryLookup("libcuda.so.1", Arena.global());

  private static final MethodHandle LAUNCH_KERNEL =
      link(
          "cuLaunchKernel",
          FunctionDescriptor.of(INT, LONG, INT, INT, INT, INT, INT, INT, INT, LONG, LONG, LONG));
  private static final MethodHandle LAUNCH_HOST_FUNCTION =
      link("cuLaunchHostFunc", FunctionDescriptor.of(INT, LONG, LONG, LONG));

  private DriverCalls() {}

  private static MethodHandle link(String name, FunctionDescriptor descriptor) {
    return Linker.nativeLinker().downcallHandle(DRIVER.findOrThrow(name), descriptor);
  }

  /** {@code cuLaunchKernel} with one-dimensional blocks; the arguments are copied by the call. */
  static int launchKernel(
      long function, int x, int y, int z, int threads, int shared, long stream, long arguments) {
    try {
      return (int)
          LAUNCH_KERNEL.invokeExact(
              function, x, y, z, threads, 1, 1, shared, stream, arguments, 0L);
    } catch (Throwable e) {
      throw new AssertionError("a native call throws nothing", e);
    }
  }

  /** {@code cuLaunchHostFunc}. */
  static int launchHostFunction(long stream, long function, long userData) {
    try {
      return (int) LAUNCH_HOST_FUNCTION.invokeExact(stream, function, userData);
    } catch (Throwable e) {
      throw new AssertionError("a native call throws nothing", e);
    }
  }
}
