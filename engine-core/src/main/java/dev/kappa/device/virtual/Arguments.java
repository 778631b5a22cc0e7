package dev.kappa.device.virtual;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
import dev.kappa.device.Memory;

/** Checks of kernels' arguments. */
final class Arguments {

  /** Tokens of a tile of attention, as on the CPU. */
  static final int TILE = 64;

  private Arguments() {}

  /** Checks that open memory has room for {@code [rows][columns]} elements. */
  static void matrix(Memory memory, int rows, int columns, int elementBytes) {
    if (rows < 0 || columns < 1) {
      throw new IllegalArgumentException("a matrix of " + rows + " rows, " + columns + " columns");
    }
    bytes(memory, (long) rows * columns * elementBytes);
  }

  static void bytes(Memory memory, long bytes) {
    memory.checkRange(0, bytes);
    // Asked for what it throws if the memory is closed.
    var _ = memory.address();
  }

  static void layer(KvLayer layer, AttentionShape shape) {
    long side = layer.blockTokens() * KernelCost.kvBytes(shape, layer) / 2;
    if (layer.blockTokens() < 1
        || layer.keyOffset() < 0
        || layer.valueOffset() < 0
        || Math.max(layer.keyOffset(), layer.valueOffset()) + side > layer.blockStride()) {
      throw new IllegalArgumentException(
          "%d tokens of %d heads do not fit a block: %s"
              .formatted(layer.blockTokens(), shape.kvHeads(), layer));
    }
    bytes(layer.pool(), 0);
  }

  static void span(KvSpan span, Batch batch, KvLayer layer) {
    if (batch.sequences() != 1) {
      throw new IllegalArgumentException(
          "spans are for one sequence, not for " + batch.sequences());
    }
    int context = batch.contextLength(0);
    boolean cut = span.tokens() % TILE == 0 || span.end() == context;
    if (span.first() % TILE != 0 || span.first() % layer.blockTokens() != 0 || !cut) {
      throw new IllegalArgumentException(
          "%s is not made of tiles of %d and blocks of %d tokens"
              .formatted(span, TILE, layer.blockTokens()));
    }
    if (span.end() > context) {
      throw new IllegalArgumentException(span + " leaves a context of " + context + " tokens");
    }
    if (span.staged()) {
      long blocks = Math.ceilDiv(span.tokens(), layer.blockTokens());
      bytes(layer.pool(), blocks * layer.blockStride());
    }
  }
}
