package dev.kappa.device.cpu;

import java.util.Arrays;

/**
 * The choices of a call's rows, sorted by expert, and by row where experts are equal. A choice is
 * known by {@code row · perToken + slot}, a place is where it lies in this order. Reused from call
 * to call; owned by the thread that leads the call.
 */
final class ExpertOrder {

  private int[] starts = {};
  private int[] rows = {};
  private int[] places = {};

  /** Sorts the choices of so many rows, as {@link dev.kappa.device.Kernels#route} wrote them. */
  void sort(long choices, int rowCount, int perToken, int experts) {
    int count = rowCount * perToken;
    if (starts.length < experts + 2) {
      starts = new int[experts + 2];
    }
    if (rows.length < count) {
      rows = new int[count];
      places = new int[count];
    }
    // While choices are placed, starts[e + 1] is where the next one of expert e goes.
    Arrays.fill(starts, 0, experts + 2, 0);
    for (int i = 0; i < count; i++) {
      starts[expert(choices, i) + 2]++;
    }
    for (int e = 0; e < experts; e++) {
      starts[e + 2] += starts[e + 1];
    }
    for (int i = 0; i < count; i++) {
      int place = starts[expert(choices, i) + 1]++;
      rows[place] = i / perToken;
      places[i] = place;
    }
  }

  private static int expert(long choices, int choice) {
    return Raw.getInt(choices + 8L * choice);
  }

  /** The first place of an expert; its last is before the next one's first. */
  int start(int expert) {
    return starts[expert];
  }

  /** The row of each place. */
  int[] rows() {
    return rows;
  }

  /** The place of a choice. */
  int place(int choice) {
    return places[choice];
  }
}
