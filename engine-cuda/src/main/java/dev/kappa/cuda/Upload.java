package dev.kappa.cuda;

import dev.kappa.device.DType;
import dev.kappa.device.Dequantizer;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.MatrixSource;
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
  synchronized void toBf16(List<MatrixSource.Part> parts, long target) {
    long to = target;
    for (MatrixSource.Part part : parts) {
      to =
          part.encoding().isPlain()
              ? write(part.bytes(), part.encoding().dtype(), to, DType.BF16)
              : writeBlocks(part, to);
    }
    stream.synchronize();
  }

  /** As {@link #toBf16}, as 32-bit floats. */
  synchronized void toF32(DType dtype, MemorySegment part, long target) {
    write(part, dtype, target, DType.F32);
    stream.synchronize();
  }

  /** Returns where the next part goes. */
  private long write(MemorySegment part, DType dtype, long target, DType wanted) {
    KernelModule.@Nullable Kernel conversion =
        (wanted == DType.BF16 ? kernels.toBf16 : kernels.toF32).get(dtype);
    long to = target;
    for (long at = 0; at < part.byteSize(); at += PIECE) {
      MemorySegment piece = part.asSlice(at, Math.min(PIECE, part.byteSize() - at));
      Buffer buffer = freeBuffer();
      buffer.host().segment().copyFrom(piece);
      long count = piece.byteSize() / dtype.bytes();
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
      to += count * wanted.bytes();
    }
    return to;
  }

  /** Blocks become elements on the host. */
  private long writeBlocks(MatrixSource.Part part, long target) {
    long blocks = part.bytes().byteSize() / part.encoding().blockBytes();
    long elements = blocks * part.encoding().blockElements();
    int most = PIECE / DType.BF16.bytes();
    long to = target;
    for (long at = 0; at < elements; at += most) {
      int count = (int) Math.min(most, elements - at);
      Buffer buffer = freeBuffer();
      Dequantizer.toBf16(part.encoding(), part.bytes(), at, count, buffer.host().segment());
      long size = (long) count * DType.BF16.bytes();
      stream.copyToDevice(to, buffer.host(), size);
      stream.record(buffer.free());
      to += size;
    }
    return to;
  }

  /** The buffer that has waited longest, once nothing reads it any more. */
  private Buffer freeBuffer() {
    Buffer buffer = nextBuffer();
    buffer.free().synchronize();
    return buffer;
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
