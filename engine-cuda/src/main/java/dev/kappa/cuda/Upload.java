package dev.kappa.cuda;

import dev.kappa.device.DType;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Brings tensors to the device through two pinned buffers, one being filled while the other is
 * copied, and converts them there. Thread-safe; one tensor at a time.
 */
final class Upload implements AutoCloseable {

  /** Bytes of a buffer: a multiple of every element size, and large enough for the link's rate. */
  private static final int PIECE = 8 << 20;

  private static final int MOST_BLOCKS = 1024;
  private static final int THREADS = 256;

  /** A pinned buffer, where pieces wait to be converted, and when both are free again. */
  private record Buffer(HostMemory host, DeviceMemory raw, CudaEvent free) {}

  private final CudaContext context;
  private final KernelModule kernels;
  private final CudaStream stream;
  private final EventClock clock;
  private final AtomicLong bytes = new AtomicLong();
  private final List<Buffer> buffers = new ArrayList<>();
  private int next;

  /**
   * @param stream of its own, closed with this
   */
  Upload(CudaContext context, KernelModule kernels, CudaStream stream, EventClock clock) {
    this.context = context;
    this.kernels = kernels;
    this.stream = stream;
    this.clock = clock;
  }

  /** Writes parts one after the other to device memory, as 16-bit floats; blocks until done. */
  synchronized void toBf16(DType dtype, List<MemorySegment> parts, long target) {
    write(dtype, parts, target, kernels.toBf16.get(dtype), DType.BF16);
  }

  /** As {@link #toBf16}, as 32-bit floats. */
  synchronized void toF32(DType dtype, MemorySegment part, long target) {
    write(dtype, List.of(part), target, kernels.toF32.get(dtype), DType.F32);
  }

  private void write(
      DType dtype,
      List<MemorySegment> parts,
      long target,
      KernelModule.@Nullable Kernel conversion,
      DType wanted) {
    long to = target;
    for (MemorySegment part : parts) {
      for (long at = 0; at < part.byteSize(); at += PIECE) {
        long size = Math.min(PIECE, part.byteSize() - at);
        long count = size / dtype.bytes();
        send(part.asSlice(at, size), to, conversion, count);
        to += count * wanted.bytes();
      }
    }
    stream.synchronize();
  }

  private void send(
      MemorySegment piece, long to, KernelModule.@Nullable Kernel conversion, long count) {
    Buffer buffer = nextBuffer();
    buffer.free().synchronize();
    buffer.host().segment().copyFrom(piece);
    if (conversion == null) {
      stream.copyToDevice(to, buffer.host(), piece.byteSize());
    } else {
      stream.copyToDevice(buffer.raw().address(), buffer.host(), piece.byteSize());
      int blocks = (int) Math.min(MOST_BLOCKS, Math.ceilDiv(count, THREADS));
      stream
          .launch()
          .add(buffer.raw().address())
          .add(to)
          .add(count)
          .run(conversion, blocks, THREADS);
    }
    stream.record(buffer.free());
  }

  private Buffer nextBuffer() {
    if (buffers.size() < 2) {
      HostMemory host = CudaMemory.host(context, PIECE, bytes);
      buffers.add(
          new Buffer(
              host, CudaMemory.device(context, PIECE, bytes), new CudaEvent(context, clock)));
    }
    next = (next + 1) % buffers.size();
    return buffers.get(next);
  }

  @Override
  public synchronized void close() {
    for (Buffer buffer : buffers) {
      buffer.host().close();
      buffer.raw().close();
      buffer.free().close();
    }
    buffers.clear();
    stream.close();
  }
}
