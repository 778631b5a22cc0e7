package dev.kappa.device.cpu;

import dev.kappa.device.Batch;
import dev.kappa.device.DType;
import dev.kappa.device.KvLayer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Widens tiles of keys and values from KV blocks into the panels that {@link TileKernel} reads. */
final class KvTile {

  /** Tokens of a tile; tiles begin at multiples of it. */
  static final int TOKENS = 64;

  /** Tokens that are brought over at a time. */
  static final int GROUP = 16;

  private final Batch batch;
  private final KvLayer layer;
  private final int headDim;
  private final long pool;
  private final long rowBytes;

  KvTile(Batch batch, KvLayer layer, int headDim) {
    this.batch = batch;
    this.layer = layer;
    this.headDim = headDim;
    pool = layer.pool().address();
    rowBytes = (long) headDim * layer.dtype().bytes();
  }

  /** Writes the keys of tokens {@code start … start + count - 1} side by side. */
  void loadKeys(int sequence, int kvHead, int start, int count, AttentionScratch scratch) {
    long keys = scratch.keys();
    for (int t = 0; t < count; t += GROUP) {
      long from = group(sequence, kvHead, layer.keyOffset(), start + t, count - t, scratch.raw());
      long panel = keys + t / TileKernel.PANEL * headDim * TileKernel.B_PITCH;
      long to = panel + 4L * (t % TileKernel.PANEL);
      scratch.transposer().transpose(layer.dtype(), from, headDim, to);
    }
  }

  /** Writes the values of tokens {@code start … start + count - 1} one below the other. */
  void loadValues(int sequence, int kvHead, int start, int count, long raw, long values) {
    for (int t = 0; t < count; t += GROUP) {
      long from = group(sequence, kvHead, layer.valueOffset(), start + t, count - t, raw);
      for (int i = 0; i < GROUP; i++) {
        widen(layer.dtype(), from + i * rowBytes, values + (t + i) * TileKernel.B_PITCH);
      }
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
    long block = pool + batch.block(sequence, token / tokens) * layer.blockStride();
    return block + offset + ((long) kvHead * tokens + token % tokens) * rowBytes;
  }

  private void widen(DType dtype, long from, long to) {
    for (int d = 0; d < headDim; d += Lanes.COUNT) {
      int column = d % TileKernel.PANEL;
      long panel = to + (long) (d - column) * TOKENS * Float.BYTES;
      Lanes.store(widened(dtype, from + (long) d * dtype.bytes()), panel + 4L * column);
    }
  }

  private static FloatVector widened(DType dtype, long from) {
    if (dtype == DType.F32) {
      return Lanes.load(from);
    }
    IntVector bits =
        ((IntVector) Lanes.loadHalves(from).convertShape(VectorOperators.S2I, Lanes.INTS, 0))
            .lanewise(VectorOperators.LSHL, 16);
    return dtype == DType.BF16 ? bits.reinterpretAsFloats() : Half.highF16(bits);
  }
}
