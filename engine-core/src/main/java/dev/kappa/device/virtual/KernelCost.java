package dev.kappa.device.virtual;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
import dev.kappa.device.Router;
import dev.kappa.device.Weight;

/**
 * What a kernel does, for the roofline.
 *
 * @param flops multiplications and additions
 * @param bytes device memory that it reads and writes; of matrix products and attention only what
 *     dominates, weights and KV
 */
record KernelCost(double flops, double bytes) {

  /** A kernel that only moves bytes. */
  static KernelCost moving(double bytes) {
    return new KernelCost(0, bytes);
  }

  static KernelCost matmul(int rows, Weight weight) {
    double pairs = (double) weight.rows() * weight.columns();
    return new KernelCost(2 * pairs * rows, rows == 0 ? 0 : weight.bytes());
  }

  /**
   * The products of all choices. Of the weights, those of experts that some row is expected to
   * choose if all are as likely: {@code 1 - (1 - perToken / experts)^rows} of them.
   */
  static KernelCost experts(int rows, Router router, Weight gateUp, Weight down) {
    double share = (double) router.perToken() / router.experts();
    double used = 1 - Math.pow(1 - share, rows);
    double pairs =
        (double) gateUp.rows() * gateUp.columns() + (double) down.rows() * down.columns();
    return new KernelCost(
        2 * pairs * rows * router.perToken(), used * (gateUp.bytes() + down.bytes()));
  }

  /** Every row sees its window up to its own token; what a sequence's rows see is read once. */
  static KernelCost attention(Batch batch, AttentionShape shape, KvLayer layer) {
    long pairs = 0;
    for (int row = 0; row < batch.rows(); row++) {
      pairs += batch.position(row) + 1 - shape.firstSeen(batch.position(row));
    }
    long tokens = 0;
    for (int sequence = 0; sequence < batch.sequences(); sequence++) {
      tokens += batch.contextLength(sequence) - firstRead(batch, sequence, shape);
    }
    return attention(pairs, tokens, shape, layer);
  }

  static KernelCost attention(Batch batch, AttentionShape shape, KvLayer layer, KvSpan span) {
    long pairs = 0;
    for (int row = 0; row < batch.rows(); row++) {
      int first = Math.max(shape.firstSeen(batch.position(row)), span.first());
      pairs += Math.max(0, Math.min(batch.position(row) + 1, span.end()) - first);
    }
    int first = Math.max(span.first(), firstRead(batch, 0, shape));
    return attention(pairs, Math.max(0, span.end() - first), shape, layer);
  }

  /** The first position that any row of a sequence sees; its rows are in order. */
  private static int firstRead(Batch batch, int sequence, AttentionShape shape) {
    int row = batch.queryStart(sequence);
    boolean empty = row == batch.queryStart(sequence + 1);
    return empty ? 0 : shape.firstSeen(batch.position(row));
  }

  private static KernelCost attention(
      long pairs, long tokens, AttentionShape shape, KvLayer layer) {
    double flops = 4.0 * shape.heads() * shape.headDim() * pairs;
    return new KernelCost(flops, (double) tokens * kvBytes(shape, layer));
  }

  /** One token's keys and values in one layer. */
  static long kvBytes(AttentionShape shape, KvLayer layer) {
    return 2L * shape.kvHeads() * shape.headDim() * layer.dtype().bytes();
  }
}
