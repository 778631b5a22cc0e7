package dev.kappa.device.virtual;

import dev.kappa.device.Arguments;
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
    Arguments.copy(target, targetOffset, source, sourceOffset, bytes);
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
    Arguments.copy2d(
        target, targetOffset, targetPitch, source, sourceOffset, sourcePitch, width, height);
    return new CopyRequest(
        source instanceof HostMemory,
        target instanceof HostMemory,
        Math.multiplyExact(width, height),
        height);
  }
}
