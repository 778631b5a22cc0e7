package dev.kappa.device.cpu;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;

/** What is done with the softmax states of a unit's queries as a whole. */
final class UnitStates {

  private final Batch batch;
  private final AttentionShape shape;
  private final int headDim;
  private final long pitch;

  UnitStates(Batch batch, AttentionShape shape) {
    this.batch = batch;
    this.shape = shape;
    headDim = shape.headDim();
    pitch = SoftmaxState.pitch(headDim);
  }

  /** Bytes from one query's state to the next. */
  long pitch() {
    return pitch;
  }

  void clear(AttentionPlan plan, int unit, long states) {
    for (int q = 0; q < plan.queries(unit); q++) {
      SoftmaxState.clear(states + q * pitch, headDim);
    }
  }

  void copy(AttentionPlan plan, int unit, long from, long to) {
    Raw.copy(from, to, plan.queries(unit) * pitch);
  }

  /**
   * Adds a segment to the total of the queries that see any of it.
   *
   * @param end behind the last token that was taken in
   */
  void merge(AttentionPlan plan, int unit, int segment, int end, long total, long part) {
    int start = segment * AttentionKernel.SEGMENT;
    int stop = end - start < AttentionKernel.SEGMENT ? end : start + AttentionKernel.SEGMENT;
    for (int q = 0; q < plan.queries(unit); q++) {
      int position = batch.position(row(plan, unit, q));
      if (position >= start && shape.firstSeen(position) < stop) {
        SoftmaxState.merge(total + q * pitch, part + q * pitch, headDim);
      }
    }
  }

  /**
   * Writes the results of a unit.
   *
   * @param out {@code [rows][heads · headDim]}
   */
  void finish(AttentionPlan plan, int unit, long total, long out) {
    long outColumns = (long) shape.heads() * headDim;
    for (int q = 0; q < plan.queries(unit); q++) {
      long to = out + 4 * (outColumns * row(plan, unit, q) + (long) headDim * head(plan, unit, q));
      SoftmaxState.finish(total + q * pitch, headDim, to);
    }
  }

  /** The batch row of a unit's query: heads of a row lie together. */
  static int row(AttentionPlan plan, int unit, int query) {
    return plan.row(unit) + query / plan.heads(unit);
  }

  static int head(AttentionPlan plan, int unit, int query) {
    return plan.head(unit) + query % plan.heads(unit);
  }
}
