package dev.kappa.device.virtual;

import dev.kappa.device.HostMemory;
import dev.kappa.device.Memory;

/**
 * A checked copy.
 *
 * @param fromHost whether it reads host memory
 * @param toHost whether it writes host memory
 * @param bytes all bytes it moves
 * @param pitchedRows rows of a 2-D copy; 0 for one in a single piece
 */
record CopyRequest(boolean fromHost, boolean toHost, long bytes, long pitchedRows) {

  static CopyRequest of(
      Memory target, long targetOffset, Memory source, long sourceOffset, long bytes) {
    check(target, targetOffset, bytes);
    check(source, sourceOffset, bytes);
    return new CopyRequest(source instanceof HostMemory, target instanceof HostMemory, bytes, 0);
  }

  static CopyRequest of(
      Memory target,
      long targetOffset,
      long targetPitch,
      Memory source,
      long sourceOffset,
      long sourcePitch,
      long width,
      long height) {
    if (width < 0 || height < 0) {
      throw new IndexOutOfBoundsException("copy of " + height + " rows of " + width + " bytes");
    }
    if (height > 1 && (targetPitch < width || sourcePitch < width)) {
      throw new IndexOutOfBoundsException(
          "rows of %d bytes overlap at pitches %d and %d"
              .formatted(width, targetPitch, sourcePitch));
    }
    check(target, targetOffset, extent(targetPitch, width, height));
    check(source, sourceOffset, extent(sourcePitch, width, height));
    return new CopyRequest(
        source instanceof HostMemory,
        target instanceof HostMemory,
        Math.multiplyExact(width, height),
        height);
  }

  private static void check(Memory memory, long offset, long length) {
    memory.checkRange(offset, length);
    // Asked for what it throws if the memory is closed.
    var _ = memory.address();
  }

  private static long extent(long pitch, long width, long height) {
    return height == 0 ? 0 : Math.addExact(Math.multiplyExact(pitch, height - 1), width);
  }
}
