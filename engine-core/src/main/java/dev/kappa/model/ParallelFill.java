package dev.kappa.model;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.stream.LongStream;

/** Writes one segment from several threads, even if it belongs to the calling thread alone. */
final class ParallelFill {

  private ParallelFill() {}

  /** A writer of items {@code [from, to)}. */
  @FunctionalInterface
  interface Part {
    void write(MemorySegment target, long from, long to);
  }

  /**
   * Splits items into parts, writes them all, and returns when that is done.
   *
   * @param partItems items in a part; different parts write different bytes
   */
  static void run(MemorySegment target, long items, long partItems, Part part) {
    MemorySegment anyThread =
        target.isNative()
            ? MemorySegment.ofAddress(target.address()).reinterpret(target.byteSize())
            : target;
    try {
      LongStream.range(0, Math.ceilDiv(items, partItems))
          .parallel()
          .forEach(index -> {
            long from = index * partItems;
            part.write(anyThread, from, Math.min(items, from + partItems));
          });
    } finally {
      Reference.reachabilityFence(target);
    }
  }
}
