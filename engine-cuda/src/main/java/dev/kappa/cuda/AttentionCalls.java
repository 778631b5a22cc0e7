package dev.kappa.cuda;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
import java.util.Objects;

/**
 * Cuts attention into launches. Leading rows that are the only ones of their sequence, which are
 * the decodes, get blocks of their own, and a block per segment where contexts are long. How a call
 * is cut does not show in its bits: see {@code softmax.cuh}.
 */
final class AttentionCalls {

  /** Most query vectors of a block, in {@code attention.cu}. */
  private static final int VECTORS = 16;

  private static final int THREADS = 128;

  /** Tokens of a segment, in {@code softmax.cuh}. */
  static final int SEGMENT = 512;

  /** Most bytes of segments waiting to be merged. */
  private static final long MOST_PARTIALS = 64 << 20;

  private final KernelModule kernels;

  AttentionCalls(KernelModule kernels) {
    this.kernels = kernels;
  }

  /** A batch's numbers where the GPU reads them fast. */
  private record Staged(long positions, long sequences, long tables) {}

  /** Everything about a call but its rows. */
  private record Call(
      CudaStream stream,
      Staged staged,
      long qkv,
      Batch batch,
      AttentionShape shape,
      KvLayer layer) {

    int headsAtOnce() {
      return Math.min(shape.heads() / shape.kvHeads(), VECTORS);
    }

    /** Blocks for all heads of a row. */
    int headBlocks() {
      return shape.kvHeads() * Math.ceilDiv(shape.heads() / shape.kvHeads(), VECTORS);
    }

    int sharedBytes() {
      return VECTORS * shape.headDim() * Float.BYTES;
    }

    /** The arguments up to where results go. */
    Launch launch(int firstRow, int rows, int rowsAtOnce, int first, int end, boolean inOrder) {
      return stream
          .launch()
          .add(qkv)
          .add(staged.positions())
          .add(staged.sequences())
          .add(staged.tables())
          .add(batch.maxBlocks())
          .add(firstRow)
          .add(rows)
          .add(rowsAtOnce)
          .add(first)
          .add(end)
          .add(inOrder ? 1 : 0)
          .add(layer.pool().address())
          .add(layer.blockStride())
          .add(layer.keyOffset())
          .add(layer.valueOffset())
          .add(layer.blockTokens())
          .add(shape.heads())
          .add(shape.kvHeads())
          .add(shape.headDim())
          .add(shape.scale());
    }
  }

  /** See {@link dev.kappa.device.Kernels#attention}. */
  void attend(
      CudaStream stream, long qkv, Batch batch, AttentionShape shape, KvLayer layer, long out) {
    Call call = new Call(stream, stage(stream, batch, layer), qkv, batch, shape, layer);
    int decodes = decodes(batch);
    attendDecodes(call, decodes, out);
    int rest = batch.rows() - decodes;
    if (rest > 0) {
      int rowsAtOnce = VECTORS / call.headsAtOnce();
      whole(call, decodes, rest, rowsAtOnce, out);
    }
  }

  /** Sequences at the batch's start that have a single row. */
  private static int decodes(Batch batch) {
    int count = 0;
    while (count < batch.sequences() && batch.queryStart(count + 1) == count + 1) {
      count++;
    }
    return count;
  }

  private void attendDecodes(Call call, int rows, long out) {
    int longest = 0;
    for (int row = 0; row < rows; row++) {
      longest = Math.max(longest, call.batch().position(row) + 1);
    }
    int segments = Math.ceilDiv(longest, SEGMENT);
    if (segments <= 1) {
      if (rows > 0) {
        whole(call, 0, rows, 1, out);
      }
      return;
    }
    AttentionShape shape = call.shape();
    long rowBytes = (long) shape.heads() * segments * (2 + shape.headDim()) * Float.BYTES;
    int atOnce = (int) Math.clamp(MOST_PARTIALS / rowBytes, 1, rows);
    for (int first = 0; first < rows; first += atOnce) {
      int count = Math.min(atOnce, rows - first);
      split(
          call,
          first,
          count,
          segments,
          call.stream().partialScratch().reserve(count * rowBytes),
          out);
    }
  }

  private void whole(Call call, int firstRow, int rows, int rowsAtOnce, long out) {
    call.launch(firstRow, rows, rowsAtOnce, 0, Integer.MAX_VALUE, false)
        .add(0L)
        .add(0L)
        .add(out)
        .run(
            kernel(call.layer()),
            Math.ceilDiv(rows, rowsAtOnce),
            call.headBlocks(),
            1,
            THREADS,
            call.sharedBytes());
  }

  private void split(Call call, int firstRow, int rows, int segments, long partials, long out) {
    AttentionShape shape = call.shape();
    call.launch(firstRow, rows, 1, 0, Integer.MAX_VALUE, false)
        .add(partials)
        .add(0L)
        .add(0L)
        .run(kernel(call.layer()), rows, call.headBlocks(), segments, THREADS, call.sharedBytes());
    call.stream()
        .launch()
        .add(partials)
        .add(call.staged().positions())
        .add(firstRow)
        .add(segments)
        .add(shape.heads())
        .add(shape.headDim())
        .add(out)
        .run(kernels.mergeSegments, rows, shape.heads(), 1, THREADS, 0);
  }

  /** Bytes of a state, see {@code attention.cu}. */
  static long stateBytes(AttentionShape shape, int rows) {
    return (long) rows * shape.heads() * (4 + 2L * shape.headDim()) * Float.BYTES;
  }

  /** See {@link dev.kappa.device.Kernels#attentionSpan}. */
  void attendSpan(
      CudaStream stream,
      long qkv,
      Batch batch,
      AttentionShape shape,
      KvLayer layer,
      KvSpan span,
      long state) {
    Call call = new Call(stream, stage(stream, batch, layer), qkv, batch, shape, layer);
    int rowsAtOnce = VECTORS / call.headsAtOnce();
    call.launch(0, batch.rows(), rowsAtOnce, span.first(), span.end(), span.staged())
        .add(0L)
        .add(state)
        .add(0L)
        .run(
            kernel(layer),
            Math.ceilDiv(batch.rows(), rowsAtOnce),
            call.headBlocks(),
            1,
            THREADS,
            call.sharedBytes());
  }

  /** See {@link dev.kappa.device.Kernels#attentionResult}. */
  void result(CudaStream stream, int rows, AttentionShape shape, long state, long out) {
    stream
        .launch()
        .add(state)
        .add(shape.heads())
        .add(shape.headDim())
        .add(out)
        .run(kernels.attentionResult, rows, shape.heads(), 1, THREADS, 0);
  }

  private KernelModule.Kernel kernel(KvLayer layer) {
    return Objects.requireNonNull(kernels.attention.get(layer.dtype()));
  }

  private Staged stage(CudaStream stream, Batch batch, KvLayer layer) {
    long rowBytes = (long) batch.rows() * Integer.BYTES;
    long tableBytes = (long) batch.sequences() * batch.maxBlocks() * Integer.BYTES;
    long positions = stream.batchScratch().reserve(2 * rowBytes + tableBytes);
    Staged staged = new Staged(positions, positions + rowBytes, positions + 2 * rowBytes);
    stream
        .launch()
        .add(batch.positionsAddress())
        .add(batch.rowSequencesAddress())
        .add(batch.queryStartsAddress())
        .add(batch.contextLengthsAddress())
        .add(batch.blockTablesAddress())
        .add(batch.maxBlocks())
        .add(layer.blockTokens())
        .add(staged.positions())
        .add(staged.sequences())
        .add(staged.tables())
        .run(kernels.stageBatch, batch.sequences(), THREADS);
    return staged;
  }
}
