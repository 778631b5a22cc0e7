package dev.kappa.device.cpu;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;

/** Ends attention over spans: merges the segment that the last span left open. */
final class AttentionResult {

  private final Batch batch;
  private final AttentionShape shape;
  private final UnitStates states;
  private final CarriedStates carried;
  private final long out;

  AttentionResult(Batch batch, AttentionShape shape, CarriedStates carried, long out) {
    this.batch = batch;
    this.shape = shape;
    this.carried = carried;
    this.out = out;
    states = new UnitStates(batch, shape);
  }

  /** Runs the call. The states stay as they are, so that more spans can follow. */
  void run(WorkerPool pool, Scratch scratch) {
    int end = carried.end();
    if (end <= 0) {
      throw new IllegalStateException("no span of attention came before its result");
    }
    AttentionPlan plan = scratch.plan();
    plan.build(batch, shape, 0, end, 1);
    pool.run(scratch, plan.units(), (own, unit) -> unit(own.attention(), plan, unit, end));
  }

  private void unit(AttentionScratch scratch, AttentionPlan plan, int unit, int end) {
    long total = scratch.total();
    states.copy(plan, unit, carried.total(plan, unit), total);
    if (end % AttentionKernel.SEGMENT != 0) {
      int open = end / AttentionKernel.SEGMENT;
      states.merge(plan, unit, open, end, total, carried.segment(plan, unit));
    }
    states.finish(plan, unit, total, out);
  }
}
