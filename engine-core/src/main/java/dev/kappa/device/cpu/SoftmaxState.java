package dev.kappa.device.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The running softmax of one query (Milakov and Gimelshein, arXiv 1805.02867): sixteen partial sums
 * of weights, the largest score so far, and the weighted sum of values. Scores are in units of
 * {@code log2}. In an array: 16 sums, the largest score, 15 unused, {@code headDim} values rounded
 * up to a multiple of 32.
 */
final class SoftmaxState {

  private static final int MAX = Lanes.PARTIALS;
  private static final int VALUES = 2 * Lanes.PARTIALS;

  private SoftmaxState() {}

  /** Elements from one query's state to the next. */
  static int pitch(int headDim) {
    return VALUES + Math.ceilDiv(headDim, TileKernel.PANEL) * TileKernel.PANEL;
  }

  /** Where the weighted sum lies. */
  static int values(int state) {
    return state + VALUES;
  }

  static void clear(float[] states, int at, int headDim) {
    Arrays.fill(states, at, at + pitch(headDim), 0f);
    states[at + MAX] = Float.NEGATIVE_INFINITY;
  }

  /**
   * Takes in the scores of a tile: turns them into weights in place, and scales what was there
   * before to the new largest score.
   *
   * @param visible how many scores count; the weights of the others become zero
   */
  static void addTile(float[] states, int at, float[] scores, int from, int visible, int headDim) {
    for (int t = visible; t < KvTile.TOKENS; t++) {
      scores[from + t] = Float.NEGATIVE_INFINITY;
    }
    float before = states[at + MAX];
    float max = largest(scores, from, before);
    if (max != before) {
      states[at + MAX] = max;
      FloatVector factor = VectorMath.exp2OfNegative(broadcast(before).sub(broadcast(max)));
      scale(states, at, factor, Lanes.PARTIALS);
      scale(states, at + VALUES, factor, headDim);
    }
    weigh(states, at, scores, from, max);
  }

  private static void weigh(float[] states, int at, float[] scores, int from, float max) {
    for (int i = from; i < from + KvTile.TOKENS; i += Lanes.COUNT) {
      FloatVector score = FloatVector.fromArray(Lanes.FLOATS, scores, i);
      VectorMath.exp2OfNegative(score.sub(max)).intoArray(scores, i);
    }
    for (int i = 0; i < Lanes.PARTIALS; i += Lanes.COUNT) {
      FloatVector a = FloatVector.fromArray(Lanes.FLOATS, scores, from + i);
      FloatVector b = FloatVector.fromArray(Lanes.FLOATS, scores, from + i + Lanes.PARTIALS);
      FloatVector c = FloatVector.fromArray(Lanes.FLOATS, scores, from + i + 2 * Lanes.PARTIALS);
      FloatVector d = FloatVector.fromArray(Lanes.FLOATS, scores, from + i + 3 * Lanes.PARTIALS);
      FloatVector sum = FloatVector.fromArray(Lanes.FLOATS, states, at + i);
      sum.add(a.add(b).add(c.add(d))).intoArray(states, at + i);
    }
  }

  /** The larger of {@code floor} and the tile's largest score; NaN never is. */
  private static float largest(float[] scores, int from, float floor) {
    FloatVector best = broadcast(floor);
    for (int i = from; i < from + KvTile.TOKENS; i += Lanes.COUNT) {
      FloatVector next = FloatVector.fromArray(Lanes.FLOATS, scores, i);
      best = best.blend(next, next.compare(VectorOperators.GT, best));
    }
    // Among integers of the same order, because theirs is the much shorter reduction.
    IntVector bits = best.reinterpretAsInts();
    IntVector flip = bits.lanewise(VectorOperators.ASHR, 31).and(Integer.MAX_VALUE);
    int largest = bits.lanewise(VectorOperators.XOR, flip).reduceLanes(VectorOperators.MAX);
    return Float.intBitsToFloat(largest ^ ((largest >> 31) & Integer.MAX_VALUE));
  }

  private static void scale(float[] states, int at, FloatVector factor, int count) {
    for (int i = 0; i < count; i += Lanes.COUNT) {
      FloatVector.fromArray(Lanes.FLOATS, states, at + i).mul(factor).intoArray(states, at + i);
    }
  }

  /** Adds {@code part}, which lies after everything in {@code total}. */
  static void merge(float[] total, int at, float[] part, int from, int headDim) {
    float before = total[at + MAX];
    float max = Math.max(before, part[from + MAX]);
    total[at + MAX] = max;
    FloatVector old = VectorMath.exp2OfNegative(broadcast(before).sub(max));
    FloatVector added = VectorMath.exp2OfNegative(broadcast(part[from + MAX]).sub(max));
    mergeScaled(total, at, old, part, from, added, Lanes.PARTIALS);
    mergeScaled(total, at + VALUES, old, part, from + VALUES, added, headDim);
  }

  private static void mergeScaled(
      float[] total,
      int at,
      FloatVector old,
      float[] part,
      int from,
      FloatVector added,
      int count) {
    for (int i = 0; i < count; i += Lanes.COUNT) {
      FloatVector kept = FloatVector.fromArray(Lanes.FLOATS, total, at + i).mul(old);
      FloatVector later = FloatVector.fromArray(Lanes.FLOATS, part, from + i);
      later.fma(added, kept).intoArray(total, at + i);
    }
  }

  /** Writes the weighted mean. */
  static void finish(float[] states, int at, int headDim, long out) {
    float sum = 0;
    for (int i = 0; i < Lanes.PARTIALS; i++) {
      sum += states[at + i];
    }
    for (int d = 0; d < headDim; d += Lanes.COUNT) {
      FloatVector weighted = FloatVector.fromArray(Lanes.FLOATS, states, at + VALUES + d);
      Lanes.store(weighted.div(sum), out + 4L * d);
    }
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(Lanes.FLOATS, value);
  }
}
