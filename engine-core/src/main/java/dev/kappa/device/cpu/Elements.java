package dev.kappa.device.cpu;

import jdk.incubator.vector.FloatVector;

/** Short runs of floats: moved without the cost of a bulk call. */
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

  static void copy(long from, float[] to, int at, int count) {
    int i = 0;
    for (; i <= count - Lanes.COUNT; i += Lanes.COUNT) {
      Lanes.load(from + 4L * i).intoArray(to, at + i);
    }
    for (; i < count; i++) {
      to[at + i] = Raw.getFloat(from + 4L * i);
    }
  }

  /** Adds to elements in place. */
  static void add(long to, long from, int count) {
    int i = 0;
    for (; i <= count - Lanes.COUNT; i += Lanes.COUNT) {
      Lanes.store(Lanes.load(to + 4L * i).add(Lanes.load(from + 4L * i)), to + 4L * i);
    }
    for (; i < count; i++) {
      Raw.putFloat(to + 4L * i, Raw.getFloat(to + 4L * i) + Raw.getFloat(from + 4L * i));
    }
  }

  /** Clears elements; {@code count} is a multiple of 16. */
  static void zero(long to, int count) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    for (int i = 0; i < count; i += Lanes.COUNT) {
      Lanes.store(zero, to + 4L * i);
    }
  }

  /** Clears elements; {@code count} is a multiple of 16. */
  static void zero(float[] to, int at, int count) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    for (int i = 0; i < count; i += Lanes.COUNT) {
      zero.intoArray(to, at + i);
    }
  }

  /** Copies {@code from · factor}. */
  static void scale(long from, float factor, float[] to, int at, int count) {
    int i = 0;
    for (; i <= count - Lanes.COUNT; i += Lanes.COUNT) {
      Lanes.load(from + 4L * i).mul(factor).intoArray(to, at + i);
    }
    for (; i < count; i++) {
      to[at + i] = Raw.getFloat(from + 4L * i) * factor;
    }
  }
}
