package dev.kappa.kv.transfer;

import dev.kappa.device.Device;
import dev.kappa.device.Event;
import dev.kappa.device.Memory;
import dev.kappa.device.Stream;

/** Measures what a direction of the link does at best: contiguous copies of growing size. */
public final class Calibration {

  /** A copy that takes this long has no noticeable start-up cost. */
  private static final long LONG_ENOUGH_NANOS = 3_000_000;

  private static final int GROWTH = 4;
  private static final int REPEATS = 2;

  private Calibration() {}

  /**
   * Copies from the start of one memory to the start of another, which must both be unused.
   *
   * @param first bytes of the first copy
   * @return bytes per second of the best copy
   */
  public static double measure(
      Device device, Stream stream, Memory target, Memory source, long first) {
    long most = Math.min(target.bytes(), source.bytes());
    double best = 0;
    try (Event start = device.newEvent();
        Event end = device.newEvent()) {
      long nanos = 0;
      for (long bytes = Math.min(first, most);
          nanos < LONG_ENOUGH_NANOS && bytes <= most;
          bytes *= GROWTH) {
        for (int i = 0; i < REPEATS; i++) {
          stream.record(start);
          stream.copy(target, 0, source, 0, bytes);
          stream.record(end);
          stream.synchronize();
          nanos = Math.max(1, end.completedNanos() - start.completedNanos());
          best = Math.max(best, bytes * 1e9 / nanos);
        }
      }
    }
    return best;
  }
}
