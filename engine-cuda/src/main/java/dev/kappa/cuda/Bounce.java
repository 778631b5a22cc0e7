package dev.kappa.cuda;

import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Memory;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Copies from and to host memory that is not pinned, through a small buffer that is: the driver
 * would hold up whoever submits such a copy until the stream has come to it. Here the stream calls
 * the host when it has, and goes on when the host has filled or emptied the buffer. Owned by a
 * stream; submitted to by one thread at a time.
 */
final class Bounce implements AutoCloseable {

  /** About 200 µs of copying by the host, for which other streams' calls may have to wait. */
  private static final long BYTES = 2 << 20;

  private final CudaContext context;
  private final CudaStream stream;

  /** Not of those that the device hands out. */
  private final AtomicLong allocated = new AtomicLong();

  private @Nullable HostMemory buffer;

  /** Guarded by this, which is also held while the host copies. */
  private boolean closed;

  Bounce(CudaContext context, CudaStream stream) {
    this.context = context;
    this.stream = stream;
  }

  /** One of the two sides of a checked copy. */
  record Side(Memory memory, long offset, long pitch) {

    private Side at(long row, long column) {
      return new Side(memory, offset + row * pitch + column, pitch);
    }

    private MemorySegment row(long row, long width) {
      MemorySegment bytes = ((HostMemory) memory).segment();
      return bytes.asSlice(offset + row * pitch, width);
    }
  }

  /** Puts a copy of {@code height} rows of {@code width} bytes on the stream. */
  void copy(Side target, Side source, long width, long height) {
    long columns = Math.min(width, BYTES);
    long rows = BYTES / columns;
    for (long row = 0; row < height; row += rows) {
      long count = Math.min(rows, height - row);
      for (long column = 0; column < width; column += columns) {
        long length = Math.min(columns, width - column);
        piece(target.at(row, column), source.at(row, column), length, count);
      }
    }
  }

  private void piece(Side target, Side source, long width, long height) {
    Side between = new Side(buffer(), 0, width);
    if (target.memory() instanceof DeviceMemory) {
      call(between, source, width, height);
      stream.transfer(target, between, width, height);
    } else if (source.memory() instanceof DeviceMemory) {
      stream.transfer(between, source, width, height);
      call(target, between, width, height);
    } else {
      call(target, source, width, height);
    }
  }

  private HostMemory buffer() {
    HostMemory found = buffer;
    if (found == null) {
      found = CudaMemory.host(context, BYTES, allocated);
      buffer = found;
    }
    return found;
  }

  private void call(Side target, Side source, long width, long height) {
    stream.call(() -> copyNow(target, source, width, height));
  }

  /** On the driver's thread, in the stream's turn; or later, in a lost context. */
  private synchronized void copyNow(Side target, Side source, long width, long height) {
    if (closed || context.isLost()) {
      return;
    }
    for (long row = 0; row < height; row++) {
      target.row(row, width).copyFrom(source.row(row, width));
    }
  }

  /** Waits for a copy by the host; the stream is idle or lost. */
  @Override
  public synchronized void close() {
    closed = true;
    if (buffer != null) {
      buffer.close();
      buffer = null;
    }
  }
}
