package dev.kappa.cuda.sim;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** Sets the simulated driver up between tests, and counts what it did. */
public final class SimulationControl {

  /**
   * How the simulation behaves.
   *
   * @param seed of the delays
   * @param delayMicros usual longest pause of a stream before and after an operation; 0 for none
   * @param reverse whether blocks and their threads run from the last to the first
   * @param memoryBytes size of device memory
   */
  public record Setup(long seed, int delayMicros, boolean reverse, long memoryBytes) {

    /** No delays, threads in order, 256 MiB. */
    public static Setup plain() {
      return new Setup(1, 0, false, 256L << 20);
    }

    public Setup withSeed(long newSeed) {
      return new Setup(newSeed, delayMicros, reverse, memoryBytes);
    }

    public Setup withDelayMicros(int newDelayMicros) {
      return new Setup(seed, newDelayMicros, reverse, memoryBytes);
    }

    public Setup withReverse(boolean newReverse) {
      return new Setup(seed, delayMicros, newReverse, memoryBytes);
    }

    public Setup withMemoryBytes(long newMemoryBytes) {
      return new Setup(seed, delayMicros, reverse, newMemoryBytes);
    }
  }

  /**
   * What happened since the last reset, and what there is now.
   *
   * @param writesAfterFree to device memory
   * @param leaks allocations, registrations, streams and events that were left when the context's
   *     last owner gave it back
   * @param queueWaits calls that waited because a stream's queue was full
   * @param pageableCopies copies from or to host memory that is not pinned
   */
  public record Counters(
      long launches,
      long copies,
      long bytesToDevice,
      long bytesFromDevice,
      long hostFunctions,
      long deviceBytes,
      long deviceAllocations,
      long pinnedBytes,
      long registrations,
      long streams,
      long events,
      long modules,
      long writesAfterFree,
      long unsupportedCalls,
      long leaks,
      long queueWaits,
      long pageableCopies) {

    private static final int COUNT = 17;
  }

  private final SymbolLookup driver;

  SimulationControl(SymbolLookup driver) {
    this.driver = driver;
  }

  public void configure(Setup setup) {
    call(
        "kappaSimConfigure",
        setup.seed(),
        setup.delayMicros(),
        setup.reverse() ? 1 : 0,
        setup.memoryBytes());
  }

  /** Refuses to pin more than this many bytes, until the next reset. */
  public void limitPinned(long bytes) {
    call("kappaSimLimitPinned", bytes);
  }

  /** Multiprocessors that the GPU claims to have, until the next reset. */
  public void processors(int count) {
    call("kappaSimProcessors", count);
  }

  /** Lets the n-th copy from now fail, and with it the context; 0 lets none fail. */
  public void failCopy(long n) {
    call("kappaSimFailCopy", n);
  }

  /** Takes images of machine code as well as PTX, until the next reset. */
  public void takeMachineCode() {
    call("kappaSimTakeMachineCode");
  }

  /** Lets later work on a stream wait until {@link #release}. */
  public void hold(long stream) {
    call("kappaSimHold", stream);
  }

  /** Lets all streams that are held go on. */
  public void release() {
    call("kappaSimRelease");
  }

  /** What PTX images are replaced with. */
  public void kernels(Path library) {
    try (Arena arena = Arena.ofConfined()) {
      call("kappaSimKernels", arena.allocateFrom(library.toString()));
    }
  }

  /**
   * Waits for all streams, then destroys the context with all that is in it, its error included.
   * Handles from before are invalid.
   */
  public void reset() {
    call("kappaSimReset");
  }

  public Counters counters() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(ValueLayout.JAVA_LONG, Counters.COUNT);
      call("kappaSimCounters", values, Counters.COUNT);
      long[] v = values.toArray(ValueLayout.JAVA_LONG);
      return new Counters(
          v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12], v[13],
          v[14], v[15], v[16]);
    }
  }

  private void call(String function, Object... arguments) {
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      layouts[i] = layoutOf(arguments[i]);
    }
    MethodHandle handle =
        Linker.nativeLinker()
            .downcallHandle(driver.findOrThrow(function), FunctionDescriptor.ofVoid(layouts));
    try {
      handle.invokeWithArguments(arguments);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      // A downcall throws nothing itself; method handles only declare that they might.
      throw new IllegalStateException(function, e);
    }
  }

  private static MemoryLayout layoutOf(Object argument) {
    return switch (argument) {
      case Long _ -> ValueLayout.JAVA_LONG;
      case Integer _ -> ValueLayout.JAVA_INT;
      case MemorySegment _ -> pointer();
      default -> throw new IllegalArgumentException(argument.getClass().getName());
    };
  }

  private static AddressLayout pointer() {
    return ValueLayout.ADDRESS;
  }
}
