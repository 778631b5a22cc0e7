package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuStreamSynchronize;

import dev.kappa.device.DeviceMemory;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Device memory that the kernels of one stream use in turn, one purpose each; it grows and never
 * shrinks. Owned by its stream.
 */
final class Scratch implements AutoCloseable {

  private final CudaContext context;
  private final Handles.StreamHandle stream;

  /** Not of those that the device hands out. */
  private final AtomicLong bytes = new AtomicLong();

  private @Nullable DeviceMemory memory;

  Scratch(CudaContext context, Handles.StreamHandle stream) {
    this.context = context;
    this.stream = stream;
  }

  /** Address of at least so many bytes. What was there before may be gone. */
  long reserve(long size) {
    DeviceMemory held = memory;
    if (held != null && held.bytes() >= size) {
      return held.address();
    }
    // Kernels under way may still use the old one.
    context.check("cuStreamSynchronize", cuStreamSynchronize(stream));
    close();
    DeviceMemory grown = CudaMemory.device(context, size + size / 4, bytes);
    memory = grown;
    return grown.address();
  }

  @Override
  public void close() {
    if (memory != null) {
      memory.close();
      memory = null;
    }
  }
}
