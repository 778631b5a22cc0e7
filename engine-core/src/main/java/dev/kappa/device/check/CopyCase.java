package dev.kappa.device.check;

import dev.kappa.device.HostMemory;
import dev.kappa.device.Memory;
import java.lang.foreign.MemorySegment;

/**
 * Copies of rows of bytes: {@code height} rows of {@code width}, further apart in the source than
 * in the target. One row is a plain copy.
 */
record CopyCase(boolean toDevice, long width, long height) {

  private static final long SOURCE_GAP = 192;
  private static final long TARGET_GAP = 64;

  String what() {
    return toDevice ? "host to device" : "device to host";
  }

  String shape() {
    return height == 1
        ? width + " bytes"
        : "%d rows of %d bytes, %d and %d apart"
            .formatted(height, width, width + SOURCE_GAP, width + TARGET_GAP);
  }

  CheckLine check(Inputs in, Side side, int rounds) {
    long sourceBytes = height * (width + SOURCE_GAP);
    long targetBytes = height * (width + TARGET_GAP);
    MemorySegment bytes = in.poison(sourceBytes);
    Values.fill(in.random, bytes.asSlice(0, sourceBytes / 2 * 2), 1f);
    Memory source;
    Memory target;
    if (toDevice) {
      HostMemory host = side.poisonedHost(sourceBytes);
      host.segment().asSlice(0, sourceBytes).copyFrom(bytes);
      source = host;
      target = side.poisoned(targetBytes);
    } else {
      source = side.upload(bytes);
      target = side.poisonedHost(targetBytes);
    }
    copy(side, target, source);
    String problem = compare(side, bytes, target, targetBytes);
    long nanos =
        problem.isEmpty() ? Timing.median(side, rounds, () -> copy(side, target, source)) : 0;
    return new CheckLine(what(), shape(), 0, 0, nanos, width * height, 0, problem);
  }

  private void copy(Side side, Memory target, Memory source) {
    if (height == 1) {
      side.stream.copy(target, 0, source, 0, width);
    } else {
      side.stream.copy2d(
          target, 0, width + TARGET_GAP, source, 0, width + SOURCE_GAP, width, height);
    }
  }

  /** The rows must have come over, and the gaps between them be as they were. */
  private String compare(Side side, MemorySegment bytes, Memory target, long targetBytes) {
    side.stream.synchronize();
    MemorySegment found = MemorySegment.ofArray(side.read(target, Math.toIntExact(targetBytes)));
    MemorySegment gap = MemorySegment.ofArray(new byte[(int) TARGET_GAP]).fill((byte) 0xff);
    for (long row = 0; row < height; row++) {
      long at = row * (width + TARGET_GAP);
      MemorySegment right = bytes.asSlice(row * (width + SOURCE_GAP), width);
      if (found.asSlice(at, width).mismatch(right) >= 0) {
        return "row " + row + " differs from its source";
      }
      if (found.asSlice(at + width, TARGET_GAP).mismatch(gap) >= 0) {
        return "bytes behind row " + row + " were overwritten";
      }
    }
    return "";
  }
}
