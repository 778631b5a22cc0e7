package dev.kappa.device.check;

import dev.kappa.device.Event;
import java.util.Arrays;

/** Times calls between events on the device. */
final class Timing {

  private static final long ROUND_NANOS = 500_000;
  private static final int MOST_CALLS = 32;

  private Timing() {}

  /**
   * Device time of a call in nanoseconds: the median of rounds. Short calls share a round, so that
   * the way to the device does not count.
   *
   * @param rounds an odd number
   */
  static long median(Side side, int rounds, Runnable call) {
    Event begin = side.newEvent();
    Event end = side.newEvent();
    long once = Math.max(1, round(side, call, 1, begin, end));
    int calls = (int) Math.clamp(ROUND_NANOS / once, 1, MOST_CALLS);
    long[] nanos = new long[rounds];
    for (int i = 0; i < rounds; i++) {
      nanos[i] = round(side, call, calls, begin, end) / calls;
    }
    Arrays.sort(nanos);
    return Math.max(1, nanos[rounds / 2]);
  }

  private static long round(Side side, Runnable call, int calls, Event begin, Event end) {
    side.stream.record(begin);
    for (int i = 0; i < calls; i++) {
      call.run();
    }
    side.stream.record(end);
    end.synchronize();
    return end.completedNanos() - begin.completedNanos();
  }
}
