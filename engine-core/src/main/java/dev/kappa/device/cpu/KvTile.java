package dev.kappa.device.cpu;

import static dev.kappa.device.cpu.Lanes.ORDER;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.S2I;

import dev.kappa.device.Batch;
import dev.kappa.device.DType;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/** Widens tiles of keys and values from KV blocks into the panels that {@link TileKernel} reads. */
final class KvTile {

  /** Tokens of a tile; tiles begin at multiples of it. */
  static final int TOKENS = 64;

  /** Tokens that are brought over at a time. */
  static final int GROUP = 16;

  private static final int NOT_STAGED = -1;

  private final Batch batch;
  private final KvLayer layer;
  private final int headDim;
  private final long pool;
  private final long rowBytes;
  private final int stagedFrom;

  /** Tiles of blocks that the batch's tables name. */
  KvTile(Batch batch, KvLayer layer, int headDim) {
    this(batch, layer, headDim, NOT_STAGED);
  }

  /** Tiles of a span's blocks. */
  KvTile(Batch batch, KvLayer layer, int headDim, KvSpan span) {
    this(batch, layer, headDim, span.staged() ? span.first() : NOT_STAGED);
  }

  private KvTile(Batch batch, KvLayer layer, int headDim, int stagedFrom) {
    this.batch = batch;
    this.layer = layer;
    this.headDim = headDim;
    this.stagedFrom = stagedFrom;
    pool = layer.pool().address();
    rowBytes = (long) headDim * layer.dtype().bytes();
  }

  /** Writes the keys of tokens {@code start … start + count - 1} side by side. */
  void loadKeys(int sequence, int kvHead, int start, int count, AttentionScratch scratch) {
    long keys = scratch.keys();
    for (int t = 0; t < count; t += GROUP) {
      long from = group(sequence, kvHead, layer.keyOffset(), start + t, count - t, scratch.raw());
      long panel = keys + (long) (t / TileKernel.PANEL) * headDim * TileKernel.B_PITCH;
      long to = panel + 4L * (t % TileKernel.PANEL);
      scratch.transposer().transpose(layer.dtype(), from, headDim, to);
    }
    if (layer.dtype() == DType.F16) {
      Half.widenF16(keys, Math.ceilDiv(count, TileKernel.PANEL) * headDim * TileKernel.PANEL);
    }
  }

  /** Writes the values of tokens {@code start … start + count - 1} one below the other. */
  void loadValues(int sequence, int kvHead, int start, int count, long raw, long values) {
    for (int t = 0; t < count; t += GROUP) {
      long from = group(sequence, kvHead, layer.valueOffset(), start + t, count - t, raw);
      for (int i = 0; i < GROUP; i++) {
        spread(from + i * rowBytes, values + (t + i) * TileKernel.B_PITCH);
      }
    }
    if (layer.dtype() == DType.F16) {
      Half.widenF16(values, TOKENS * Math.ceilDiv(headDim, TileKernel.PANEL) * TileKernel.PANEL);
    }
  }

  /**
   * Clears the values of a tile's first tokens, which no query sees: their weights are zero, but
   * what lies there may be no number.
   */
  void clearValues(long values, int count) {
    for (int d = 0; d < headDim; d += TileKernel.PANEL) {
      long panel = values + (long) d * TOKENS * Float.BYTES;
      Elements.zero(panel, count * TileKernel.PANEL);
    }
  }

  /**
   * The address of {@link #GROUP} token rows, collected where blocks or the context end between.
   */
  private long group(int sequence, int kvHead, long offset, int token, int count, long raw) {
    int inBlock = token % layer.blockTokens();
    if (count >= GROUP && inBlock + GROUP <= layer.blockTokens()) {
      return row(sequence, kvHead, offset, token);
    }
    int present = Math.min(count, GROUP);
    for (int i = 0; i < present; i++) {
      Raw.copy(row(sequence, kvHead, offset, token + i), raw + i * rowBytes, rowBytes);
    }
    Raw.zero(raw + present * rowBytes, (GROUP - present) * rowBytes);
    return raw;
  }

  private long row(int sequence, int kvHead, long offset, int token) {
    int tokens = layer.blockTokens();
    int index =
        stagedFrom == NOT_STAGED
            ? batch.block(sequence, token / tokens)
            : (token - stagedFrom) / tokens;
    if (index < 0) {
      throw new IllegalStateException("the KV of token %d is not there".formatted(token));
    }
    long block = pool + index * layer.blockStride();
    return block + offset + ((long) kvHead * tokens + token % tokens) * rowBytes;
  }

  /** Spreads one token's values over the panels; 16-bit types go to the high halves of words. */
  private void spread(long from, long to) {
    boolean words = layer.dtype() == DType.F32;
    for (int d = 0; d < headDim; d += Lanes.COUNT) {
      int column = d % TileKernel.PANEL;
      long at = to + (long) (d - column) * TOKENS * Float.BYTES + 4L * column;
      if (words) {
        IntVector.fromMemorySegment(Lanes.INTS, Raw.ALL, from + 4L * d, ORDER)
            .intoMemorySegment(Raw.ALL, at, ORDER);
      } else {
        ((IntVector)
                ShortVector.fromMemorySegment(Lanes.HALVES, Raw.ALL, from + 2L * d, ORDER)
                    .convertShape(S2I, Lanes.INTS, 0))
            .lanewise(LSHL, 16)
            .intoMemorySegment(Raw.ALL, at, ORDER);
      }
    }
  }
}
