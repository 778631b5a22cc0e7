package dev.kappa.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The arguments of a kernel, in native memory that is used again and again: each argument has a
 * slot of eight bytes and the driver gets their addresses. Owned by a stream; not thread-safe.
 */
final class Launch implements AutoCloseable {

  private static final int MOST_ARGUMENTS = 32;

  private final CudaContext context;
  private final Handles.StreamHandle stream;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment slots = arena.allocate(8L * MOST_ARGUMENTS, 8);
  private final MemorySegment addresses = arena.allocate(8L * MOST_ARGUMENTS, 8);
  private int count;

  Launch(CudaContext context, Handles.StreamHandle stream) {
    this.context = context;
    this.stream = stream;
    for (int i = 0; i < MOST_ARGUMENTS; i++) {
      addresses.setAtIndex(ValueLayout.JAVA_LONG, i, slots.address() + 8L * i);
    }
  }

  /** Begins anew. */
  Launch clear() {
    count = 0;
    return this;
  }

  /** An address or a 64-bit number. */
  Launch add(long value) {
    slots.setAtIndex(ValueLayout.JAVA_LONG, count++, value);
    return this;
  }

  Launch add(int value) {
    slots.set(ValueLayout.JAVA_INT, 8L * count++, value);
    return this;
  }

  Launch add(float value) {
    slots.set(ValueLayout.JAVA_FLOAT, 8L * count++, value);
    return this;
  }

  /** Puts the kernel on the stream; the driver copies the arguments. */
  void run(KernelModule.Kernel kernel, int x, int y, int z, int threads, int sharedBytes) {
    if (count != kernel.arguments()) {
      throw new IllegalStateException(
          "kernel %s takes %d arguments, not %d".formatted(kernel, kernel.arguments(), count));
    }
    int code =
        DriverCalls.launchKernel(
            kernel.raw(), x, y, z, threads, sharedBytes, stream.raw(), addresses.address());
    if (code != 0) {
      context.check("launching " + kernel, code);
    }
  }

  /** As {@link #run(KernelModule.Kernel, int, int, int, int, int)} with a block per row. */
  void run(KernelModule.Kernel kernel, int rows, int threads) {
    run(kernel, rows, 1, 1, threads, 0);
  }

  @Override
  public void close() {
    arena.close();
  }
}
