package dev.kappa.device.cpu;

import dev.kappa.device.AttentionShape;

/**
 * What attention over spans carries from span to span, in device memory: how far the spans have
 * come, the states of the running segment, and those of everything before it. Each unit of the plan
 * has places of its own, since its kernels write up to a whole tile of queries; so all spans of a
 * context need the same batch.
 */
final class CarriedStates {

  private static final long HEADER = 64;

  private final long address;
  private final long pitch;

  CarriedStates(long address, AttentionShape shape) {
    this.address = address;
    pitch = SoftmaxState.pitch(shape.headDim());
  }

  /** Bytes for batches of up to so many rows. */
  static long bytes(AttentionShape shape, int rows) {
    return HEADER + 2 * AttentionPlan.places(shape, rows) * SoftmaxState.pitch(shape.headDim());
  }

  /** Position behind the last token taken in. */
  int end() {
    return Raw.getInt(address);
  }

  void end(int position) {
    Raw.putInt(address, position);
  }

  /** A unit's states of the running segment. */
  long segment(AttentionPlan plan, int unit) {
    return address + HEADER + plan.place(unit) * pitch;
  }

  /** A unit's states of the segments that have ended. */
  long total(AttentionPlan plan, int unit) {
    return segment(plan, unit) + plan.places() * pitch;
  }
}
