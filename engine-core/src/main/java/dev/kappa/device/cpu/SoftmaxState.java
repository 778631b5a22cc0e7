package dev.kappa.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The running softmax of one query (Milakov and Gimelshein, arXiv 1805.02867): sixteen partial sums
 * of weights, the largest score so far, and the weighted sum of values. Scores are in units of
 * {@code log2}. In memory: {@code float[16]} sums, the largest score, 15 unused, {@code
 * float[headDim rounded up to 32]} values.
 */
final class SoftmaxState {

  private static final long MAX = 4L * Lanes.PARTIALS;
  private static final long VALUES = 8L * Lanes.PARTIALS;

  private SoftmaxState() {}

  /** Bytes from one query's state to the next. */
  static long pitch(int headDim) {
    return VALUES + 4L * Math.ceilDiv(headDim, TileKernel.PANEL) * TileKernel.PANEL;
  }

  /** Where the weighted sum lies. */
  static long values(long state) {
    return state + VALUES;
  }

  static void clear(long state, int headDim) {
    Elements.zero(state, (int) (pitch(headDim) / 4));
    Raw.putFloat(state + MAX, Float.NEGATIVE_INFINITY);
  }

  /**
   * Takes in the scores of a tile: turns them into weights in place, and scales what was there
   * before to the new largest score.
   *
   * @param visible how many scores count; the weights of the others become zero
   */
  static void addTile(long state, long scores, int visible, int headDim) {
    for (int t = visible; t < KvTile.TOKENS; t++) {
      Raw.putFloat(scores + 4L * t, Float.NEGATIVE_INFINITY);
    }
    float before = Raw.getFloat(state + MAX);
    float max = largest(scores, before);
    FloatVector maxes = FloatVector.broadcast(Lanes.FLOATS, max);
    if (max != before) {
      Raw.putFloat(state + MAX, max);
      FloatVector factor =
          VectorMath.exp2OfNegative(FloatVector.broadcast(Lanes.FLOATS, before).sub(maxes));
      scale(state, factor, Lanes.PARTIALS);
      scale(state + VALUES, factor, headDim);
    }
    for (int i = 0; i < Lanes.PARTIALS; i += Lanes.COUNT) {
      long at = scores + 4L * i;
      FloatVector a = weigh(at, maxes);
      FloatVector b = weigh(at + MAX, maxes);
      FloatVector c = weigh(at + 2 * MAX, maxes);
      FloatVector d = weigh(at + 3 * MAX, maxes);
      FloatVector sum = Lanes.load(state + 4L * i);
      Lanes.store(sum.add(a.add(b).add(c.add(d))), state + 4L * i);
    }
  }

  private static FloatVector weigh(long at, FloatVector maxes) {
    FloatVector weight = VectorMath.exp2OfNegative(Lanes.load(at).sub(maxes));
    Lanes.store(weight, at);
    return weight;
  }

  /** The larger of {@code floor} and the tile's largest score; NaN never is. */
  private static float largest(long scores, float floor) {
    FloatVector best = FloatVector.broadcast(Lanes.FLOATS, floor);
    for (int i = 0; i < KvTile.TOKENS; i += Lanes.COUNT) {
      FloatVector next = Lanes.load(scores + 4L * i);
      best = best.blend(next, next.compare(VectorOperators.GT, best));
    }
    return best.reduceLanes(VectorOperators.MAX);
  }

  private static void scale(long at, FloatVector factor, int count) {
    for (int i = 0; i < count; i += Lanes.COUNT) {
      Lanes.store(Lanes.load(at + 4L * i).mul(factor), at + 4L * i);
    }
  }

  /** Adds {@code part}, which lies after everything in {@code total}. */
  static void merge(long total, long part, int headDim) {
    float before = Raw.getFloat(total + MAX);
    float max = Math.max(before, Raw.getFloat(part + MAX));
    Raw.putFloat(total + MAX, max);
    FloatVector maxes = FloatVector.broadcast(Lanes.FLOATS, max);
    FloatVector old =
        VectorMath.exp2OfNegative(FloatVector.broadcast(Lanes.FLOATS, before).sub(maxes));
    FloatVector added =
        VectorMath.exp2OfNegative(
            FloatVector.broadcast(Lanes.FLOATS, Raw.getFloat(part + MAX)).sub(maxes));
    mergeScaled(total, old, part, added, Lanes.PARTIALS);
    mergeScaled(total + VALUES, old, part + VALUES, added, headDim);
  }

  private static void mergeScaled(
      long total, FloatVector old, long part, FloatVector added, int count) {
    for (int i = 0; i < count; i += Lanes.COUNT) {
      FloatVector kept = Lanes.load(total + 4L * i).mul(old);
      Lanes.store(Lanes.load(part + 4L * i).fma(added, kept), total + 4L * i);
    }
  }

  /** Writes the weighted mean. */
  static void finish(long state, int headDim, long out) {
    float sum = 0;
    for (int i = 0; i < Lanes.PARTIALS; i++) {
      sum += Raw.getFloat(state + 4L * i);
    }
    for (int d = 0; d < headDim; d += Lanes.COUNT) {
      Lanes.store(Lanes.load(state + VALUES + 4L * d).div(sum), out + 4L * d);
    }
  }
}
