package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.FLOATS;
import static dev.kappa.device.cpu.Lanes.ORDER;
import static dev.kappa.device.cpu.Raw.ALL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The running softmax of one query (Milakov and Gimelshein, arXiv 1805.02867): sixteen partial sums
 * of weights, the largest score so far, and the weighted sum of values. Scores are in units of
 * {@code log2}. In memory: 16 sums, the largest score, 15 unused, {@code headDim} values rounded up
 * to a multiple of 32.
 */
final class SoftmaxState {

  private static final long MAX = 4L * Lanes.PARTIALS;
  private static final long VALUES = 8L * Lanes.PARTIALS;

  private SoftmaxState() {}

  /** Bytes from one query's state to the next. */
  static long pitch(int headDim) {
    return VALUES + Math.ceilDiv(headDim, TileKernel.PANEL) * TileKernel.B_PITCH;
  }

  /** Where the weighted sum lies. */
  static long values(long state) {
    return state + VALUES;
  }

  static void clear(long state, int headDim) {
    Elements.zero(state, (int) (pitch(headDim) / Float.BYTES));
    Raw.putFloat(state + MAX, Float.NEGATIVE_INFINITY);
  }

  /**
   * Takes in the scores of a tile: turns them into weights, and scales what was there before to the
   * new largest score.
   *
   * @param scores {@code float[64]}; overwritten
   * @param hidden how many scores do not count at the beginning; their weights become zero
   * @param visible where those that count end; the weights of the others become zero
   * @param at where the weights go
   */
  static void addTile(
      long state, long scores, int hidden, int visible, float[] weights, int at, int headDim) {
    for (int t = 0; t < hidden; t++) {
      Raw.putFloat(scores + 4L * t, Float.NEGATIVE_INFINITY);
    }
    for (int t = visible; t < KvTile.TOKENS; t++) {
      Raw.putFloat(scores + 4L * t, Float.NEGATIVE_INFINITY);
    }
    float before = Raw.getFloat(state + MAX);
    float max = largest(scores, before);
    if (max != before) {
      Raw.putFloat(state + MAX, max);
      float factor = VectorMath.exp2OfNegative(before - max);
      scale(state, factor, Lanes.PARTIALS);
      scale(state + VALUES, factor, headDim);
    }
    VectorMath.exp2(scores, KvTile.TOKENS, max, weights, at);
    addSums(state, scores);
  }

  private static void addSums(long state, long scores) {
    for (int i = 0; i < Lanes.PARTIALS; i += Lanes.COUNT) {
      FloatVector a = FloatVector.fromMemorySegment(FLOATS, ALL, scores + 4L * i, ORDER);
      FloatVector b =
          FloatVector.fromMemorySegment(FLOATS, ALL, scores + 4L * (i + Lanes.PARTIALS), ORDER);
      FloatVector c =
          FloatVector.fromMemorySegment(FLOATS, ALL, scores + 4L * (i + 2 * Lanes.PARTIALS), ORDER);
      FloatVector d =
          FloatVector.fromMemorySegment(FLOATS, ALL, scores + 4L * (i + 3 * Lanes.PARTIALS), ORDER);
      FloatVector sum = FloatVector.fromMemorySegment(FLOATS, ALL, state + 4L * i, ORDER);
      sum.add(a.add(b).add(c.add(d))).intoMemorySegment(ALL, state + 4L * i, ORDER);
    }
  }

  /** The larger of {@code floor} and the tile's largest score; NaN never is. */
  private static float largest(long scores, float floor) {
    FloatVector best = FloatVector.broadcast(FLOATS, floor);
    for (int i = 0; i < KvTile.TOKENS; i += Lanes.COUNT) {
      FloatVector next = FloatVector.fromMemorySegment(FLOATS, ALL, scores + 4L * i, ORDER);
      best = best.blend(next, next.compare(VectorOperators.GT, best));
    }
    // Among integers of the same order, because theirs is the much shorter reduction.
    IntVector bits = best.reinterpretAsInts();
    IntVector flip = bits.lanewise(VectorOperators.ASHR, 31).and(Integer.MAX_VALUE);
    int largest = bits.lanewise(VectorOperators.XOR, flip).reduceLanes(VectorOperators.MAX);
    return Float.intBitsToFloat(largest ^ ((largest >> 31) & Integer.MAX_VALUE));
  }

  private static void scale(long at, float factor, int count) {
    for (int i = 0; i < count; i += Lanes.COUNT) {
      FloatVector.fromMemorySegment(FLOATS, ALL, at + 4L * i, ORDER)
          .mul(factor)
          .intoMemorySegment(ALL, at + 4L * i, ORDER);
    }
  }

  /** Adds {@code part}, which lies after everything in {@code total}. */
  static void merge(long total, long part, int headDim) {
    float before = Raw.getFloat(total + MAX);
    float later = Raw.getFloat(part + MAX);
    float max = Math.max(before, later);
    Raw.putFloat(total + MAX, max);
    float old = VectorMath.exp2OfNegative(before - max);
    float added = VectorMath.exp2OfNegative(later - max);
    mergeScaled(total, old, part, added, Lanes.PARTIALS);
    mergeScaled(total + VALUES, old, part + VALUES, added, headDim);
  }

  private static void mergeScaled(long total, float old, long part, float added, int count) {
    for (int i = 0; i < count; i += Lanes.COUNT) {
      FloatVector kept = FloatVector.fromMemorySegment(FLOATS, ALL, total + 4L * i, ORDER).mul(old);
      FloatVector later = FloatVector.fromMemorySegment(FLOATS, ALL, part + 4L * i, ORDER);
      later
          .fma(FloatVector.broadcast(FLOATS, added), kept)
          .intoMemorySegment(ALL, total + 4L * i, ORDER);
    }
  }

  /** Writes the weighted mean. */
  static void finish(long state, int headDim, long out) {
    float sum = 0;
    for (int i = 0; i < Lanes.PARTIALS; i++) {
      sum += Raw.getFloat(state + 4L * i);
    }
    for (int d = 0; d < headDim; d += Lanes.COUNT) {
      FloatVector.fromMemorySegment(FLOATS, ALL, state + VALUES + 4L * d, ORDER)
          .div(sum)
          .intoMemorySegment(ALL, out + 4L * d, ORDER);
    }
  }
}
