package dev.kappa.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** The index of each row's largest value. Vector and scalar maximum both pass a NaN on. */
final class ArgmaxKernel {

  private static final int NONE = -1;

  private ArgmaxKernel() {}

  static void run(WorkerPool pool, Scratch scratch, long logits, int rows, int columns, long out) {
    Rows.run(
        pool,
        scratch,
        rows,
        1,
        (own, row) -> Raw.putInt(out + 4L * row, argmax(logits + 4L * columns * row, columns)));
  }

  /** The largest value first, then its first place: both are the same in any order of lanes. */
  private static int argmax(long values, int columns) {
    float largest = largest(values, columns);
    if (!Float.isFinite(largest)) {
      return NONE;
    }
    int i = 0;
    for (; i <= columns - Lanes.COUNT; i += Lanes.COUNT) {
      VectorMask<Float> equal = Lanes.load(values + 4L * i).eq(largest);
      if (equal.anyTrue()) {
        return i + equal.firstTrue();
      }
    }
    for (; i < columns; i++) {
      if (Raw.getFloat(values + 4L * i) == largest) {
        return i;
      }
    }
    return NONE;
  }

  /** NaN if any value is. */
  private static float largest(long values, int columns) {
    FloatVector best = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (; i <= columns - Lanes.COUNT; i += Lanes.COUNT) {
      FloatVector next = Lanes.load(values + 4L * i);
      best = best.max(next);
    }
    float largest = best.reduceLanes(VectorOperators.MAX);
    for (; i < columns; i++) {
      largest = Math.max(largest, Raw.getFloat(values + 4L * i));
    }
    return largest;
  }
}
