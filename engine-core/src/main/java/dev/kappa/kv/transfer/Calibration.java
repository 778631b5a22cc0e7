package dev.kappa.kv.transfer;

import dev.kappa.device.Device;
import dev.kappa.device.Event;
import dev.kappa.device.Memory;
import dev.kappa.device.Stream;
import java.util.Arrays;

/** Measures what a direction of the link does at best: contiguous copies of growing size. */
public final class Calibration {

  /** A copy that takes this long has no noticeable start-up cost. */
  private static final long LONG_ENOUGH_NANOS = 3_000_000;

  private static final int GROWTH = 4;
  private static final int REPEATS = 5;

  private Calibration() {}

  /**
   * Copies from the start of one memory to the start of another, which must both be unused.
   *
   * @param first bytes of the first copy
   * @return bytes per second of a copy that is long enough for its start not to matter
   */
  public static double measure(
      Device device, Stream stream, Memory target, Memory source, long first) {
    long most = Math.min(target.bytes(), source.bytes());
    long bytes = Math.min(first, most);
    try (Event start = device.newEvent();
        Event end = device.newEvent()) {
      long[] nanos = sortedNanos(stream, target, source, bytes, start, end);
      // By the fastest: on a busy machine most may be late, however small they are.
      while (nanos[0] < LONG_ENOUGH_NANOS && bytes <= most / GROWTH) {
        bytes *= GROWTH;
        nanos = sortedNanos(stream, target, source, bytes, start, end);
      }
      // The median, since some seem too short.
      return bytes * 1e9 / nanos[REPEATS / 2];
    }
  }

  /** What several copies took, the fastest first. */
  private static long[] sortedNanos(
      Stream stream, Memory target, Memory source, long bytes, Event start, Event end) {
    long[] nanos = new long[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
      stream.record(start);
      stream.copy(target, 0, source, 0, bytes);
      stream.record(end);
      stream.synchronize();
      nanos[i] = Math.max(1, end.completedNanos() - start.completedNanos());
    }
    Arrays.sort(nanos);
    return nanos;
  }
}
