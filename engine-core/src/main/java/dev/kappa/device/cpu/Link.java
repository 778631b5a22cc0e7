package dev.kappa.device.cpu;

import java.util.concurrent.locks.LockSupport;

/**
 * One direction of an imitated link between host and device memory: bytes arrive no faster than its
 * bandwidth allows. Copies take it in slices by turns, so that streams share it.
 *
 * <p>Times are those at which a link of exactly this bandwidth would be done, not those at which
 * sleeping threads wake up; so late wake-ups do not add up. Thread-safe.
 */
final class Link {

  /** Above any memory's, and low enough for 64-bit arithmetic in nanoseconds. */
  private static final long MAX_BANDWIDTH = 1L << 50;

  private static final long SECOND = 1_000_000_000;

  private static final long SLICES_PER_SECOND = 1000;
  private static final long MAX_SLICE = 1L << 30;

  private final long bandwidth;
  private final long slice;
  private long freeAt = System.nanoTime();
  private long rest;

  /** A link of so many bytes per second. */
  Link(long bandwidth) {
    this.bandwidth = Math.min(bandwidth, MAX_BANDWIDTH);
    slice = Math.clamp(this.bandwidth / SLICES_PER_SECOND, 1, MAX_SLICE);
  }

  /** Most bytes that are copied before the next copy's turn. */
  long slice() {
    return slice;
  }

  /**
   * Takes the link for up to a slice.
   *
   * @param ready when the bytes could start
   * @return when they have arrived
   */
  synchronized long take(long ready, long bytes) {
    long start = Math.max(ready, freeAt);
    long work = bytes * SECOND + rest;
    rest = work % bandwidth;
    freeAt = start + work / bandwidth;
    return freeAt;
  }

  /**
   * Copies over the link, and returns when all has arrived.
   *
   * @param ready when the copy could start
   * @return when the last byte arrived, which is never later than now
   */
  long carry(Copies.Request copy, long ready) {
    long arrived = ready;
    long pending = 0;
    for (long row = 0; row < copy.height(); row++) {
      long from = copy.from() + row * copy.fromPitch();
      long to = copy.to() + row * copy.toPitch();
      for (long at = 0; at < copy.width(); ) {
        long bytes = Math.min(copy.width() - at, slice - pending);
        Raw.copy(from + at, to + at, bytes);
        at += bytes;
        pending += bytes;
        if (pending == slice) {
          arrived = take(arrived, pending);
          sleepUntil(arrived);
          pending = 0;
        }
      }
    }
    if (pending > 0) {
      arrived = take(arrived, pending);
      sleepUntil(arrived);
    }
    return arrived;
  }

  private void sleepUntil(long time) {
    for (long left = time - System.nanoTime(); left > 0; left = time - System.nanoTime()) {
      LockSupport.parkNanos(this, left);
      // A pending interrupt would turn sleeping into spinning; streams do not listen to any.
      boolean ignored = Thread.interrupted();
    }
  }
}
