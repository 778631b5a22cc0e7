package dev.kappa.device.virtual;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
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

  /** Every row sees the tokens up to its own; every sequence's KV is read once. */
  static KernelCost attention(Batch batch, AttentionShape shape, KvLayer layer) {
    long pairs = 0;
    for (int row = 0; row < batch.rows(); row++) {
      pairs += batch.position(row) + 1;
    }
    long tokens = 0;
    for (int sequence = 0; sequence < batch.sequences(); sequence++) {
      tokens += batch.contextLength(sequence);
    }
    return attention(pairs, tokens, shape, layer);
  }

  static KernelCost attention(Batch batch, AttentionShape shape, KvLayer layer, KvSpan span) {
    long pairs = 0;
    for (int row = 0; row < batch.rows(); row++) {
      pairs += Math.max(0, Math.min(batch.position(row) + 1, span.end()) - span.first());
    }
    return attention(pairs, span.tokens(), shape, layer);
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
