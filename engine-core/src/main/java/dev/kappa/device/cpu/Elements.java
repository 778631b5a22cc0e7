package dev.kappa.device.cpu;

import jdk.incubator.vector.FloatVector;

/** Short runs of floats: copied and cleared without the cost of a bulk call. */
final class Elements {

  private Elements() {}

  static void copy(long from, long to, int count) {
    int i = 0;
    for (; i <= count - Lanes.COUNT; i += Lanes.COUNT) {
      Lanes.store(Lanes.load(from + 4L * i), to + 4L * i);
    }
    for (; i < count; i++) {
      Raw.putFloat(to + 4L * i, Raw.getFloat(from + 4L * i));
    }
  }

  static void zero(long to, int count) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    int i = 0;
    for (; i <= count - Lanes.COUNT; i += Lanes.COUNT) {
      Lanes.store(zero, to + 4L * i);
    }
    for (; i < count; i++) {
      Raw.putFloat(to + 4L * i, 0f);
    }
  }

  /** {@code to = from · factor}. */
  static void scale(long from, float factor, long to, int count) {
    int i = 0;
    for (; i <= count - Lanes.COUNT; i += Lanes.COUNT) {
      Lanes.store(Lanes.load(from + 4L * i).mul(factor), to + 4L * i);
    }
    for (; i < count; i++) {
      Raw.putFloat(to + 4L * i, Raw.getFloat(from + 4L * i) * factor);
    }
  }
}
