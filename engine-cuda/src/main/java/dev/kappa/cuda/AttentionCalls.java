package dev.kappa.cuda;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;

/**
 * Cuts attention into launches. Leading rows that are the only ones of their sequence, which are
 * the decodes, get blocks of their own. Contexts are split over blocks where there would be too few
 * to fill the GPU. How a call is cut does not show in its bits: see {@code softmax.cuh}.
 */
final class AttentionCalls {

  /** A launch with fewer blocks for each multiprocessor leaves some of them idle for long. */
  private static final int BLOCKS_PER_PROCESSOR = 4;

  private static final int MERGE_THREADS = 128;

  /** Most bytes of segments waiting to be merged: a part of the memory, and no more than helps. */
  private static final long MOST_PARTIALS = 128 << 20;

  private static final int PARTIALS_SHARE = 256;

  private final KernelModule kernels;
  private final int fewBlocks;
  private final long mostPartials;

  /**
   * @param processors multiprocessors of the GPU
   * @param memoryBytes its memory
   */
  AttentionCalls(KernelModule kernels, int processors, long memoryBytes) {
    this.kernels = kernels;
    fewBlocks = BLOCKS_PER_PROCESSOR * processors;
    mostPartials = Math.min(MOST_PARTIALS, memoryBytes / PARTIALS_SHARE);
  }

  /** Everything about a call but its rows. */
  private record Call(
      CudaStream stream,
      BatchStage.Staged staged,
      long qkv,
      int maxBlocks,
      AttentionShape shape,
      KvLayer layer) {

    int group() {
      return shape.heads() / shape.kvHeads();
    }

    /** Bytes that the results of so many tiles' segments take. */
    long partialBytes(AttentionCut cut, long items) {
      return items * shape.kvHeads() * cut.step() * (2 + shape.headDim()) * Float.BYTES;
    }
  }

  /**
   * Some rows of a call, and how they are cut.
   *
   * @param items address of the launch's part of a plan; 0 for the same segments in all tiles
   * @param firstSegment the first of these
   */
  private record Part(
      AttentionKernels.Variant variant,
      AttentionCut cut,
      int firstRow,
      long items,
      int firstSegment) {}

  /** See {@link dev.kappa.device.Kernels#attention}. */
  void attend(
      CudaStream stream, long qkv, Batch batch, AttentionShape shape, KvLayer layer, long out) {
    BatchStage.Staged staged = stream.batchStage().stage(kernels, batch, layer.blockTokens());
    Call call = new Call(stream, staged, qkv, batch.maxBlocks(), shape, layer);
    if (staged.decodes() > 0) {
      attendDecodes(call, out);
    }
    int rest = batch.rows() - staged.decodes();
    if (rest > 0) {
      attendChunks(call, staged.decodes(), rest, out);
    }
  }

  private void attendDecodes(Call call, long out) {
    int rows = call.staged().decodes();
    AttentionShape shape = call.shape();
    AttentionKernels.Variant variant = variant(call, 1);
    AttentionCut cut = AttentionCut.byRow(rows, call.group(), variant.vectors());
    BatchStage.Plan plan =
        call.stream().batchStage().plan(kernels, call.staged(), cut, call.group(), shape.window());
    if (plan.longest() <= 1) {
      whole(call, new Part(variant, cut, 0, 0, 0), out);
      return;
    }
    int[] starts = plan.starts();
    for (int first = 0; first < rows; ) {
      int end = first + 1;
      while (end < rows
          && call.partialBytes(cut, starts[end + 1] - starts[first]) <= mostPartials) {
        end++;
      }
      int items = starts[end] - starts[first];
      long partials = call.stream().partialScratch().reserve(call.partialBytes(cut, items));
      Part part = new Part(variant, cut, 0, plan.items() + 8L * starts[first], 0);
      run(call, part, items, 0, Integer.MAX_VALUE, false, partials, 0, 0);
      merge(call, part, plan.tiles(), starts[first], partials, first, end - first, out);
      first = end;
    }
  }

  private void attendChunks(Call call, int firstRow, int rows, long out) {
    AttentionShape shape = call.shape();
    int vectors = Math.multiplyExact(rows, call.group());
    AttentionKernels.Variant variant = variant(call, vectors);
    AttentionCut cut = AttentionCut.through(vectors, variant.vectors());
    int lowest = shape.firstSeen(call.staged().lowest());
    int firstSegment = AttentionSegments.of(lowest);
    Part part = new Part(variant, cut, firstRow, 0, firstSegment);
    long items = splitItems(call, cut, lowest, call.staged().highest());
    if (items == 0) {
      whole(call, part, out);
      return;
    }
    long partials = call.stream().partialScratch().reserve(call.partialBytes(cut, items));
    run(call, part, (int) items, 0, Integer.MAX_VALUE, false, partials, 0, 0);
    merge(call, part, 0, 0, partials, firstRow, rows, out);
  }

  /** Blocks for a KV head if the tokens are split over them; 0 if they are not to be split. */
  private long splitItems(Call call, AttentionCut cut, int first, int last) {
    int segments = AttentionSegments.count(first, last);
    long items = (long) segments * cut.tiles();
    boolean wanted = segments > 1 && (long) cut.tiles() * call.shape().kvHeads() < fewBlocks;
    return wanted && call.partialBytes(cut, items) <= mostPartials ? items : 0;
  }

  /** Bytes of a state, see {@code attention.cuh}. */
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
    BatchStage.Staged staged = stream.batchStage().stage(kernels, batch, layer.blockTokens());
    Call call = new Call(stream, staged, qkv, batch.maxBlocks(), shape, layer);
    int lowest = Math.max(span.first(), shape.firstSeen(staged.lowest()));
    int highest = Math.min(span.end() - 1, staged.highest());
    if (lowest > highest && span.first() > 0) {
      return;
    }
    int vectors = Math.multiplyExact(batch.rows(), call.group());
    AttentionKernels.Variant variant = variant(call, vectors);
    AttentionCut cut = AttentionCut.through(vectors, variant.vectors());
    Part part = new Part(variant, cut, 0, 0, AttentionSegments.of(lowest));
    long items = lowest > highest ? 0 : splitItems(call, cut, lowest, highest);
    if (items == 0) {
      run(call, part, cut.tiles(), span.first(), span.end(), span.staged(), 0, state, 0);
      return;
    }
    long partials = stream.partialScratch().reserve(call.partialBytes(cut, items));
    run(call, part, (int) items, span.first(), span.end(), span.staged(), partials, state, 0);
    stream
        .launch()
        .add(partials)
        .add(cut.tiles())
        .add(part.firstSegment())
        .add(span.first())
        .add(span.end())
        .add(staged.positions())
        .add(cut.vectors())
        .add(cut.reach())
        .add(cut.step())
        .add(shape.heads())
        .add(shape.kvHeads())
        .add(shape.headDim())
        .add(shape.window())
        .add(state)
        .run(kernels.mergeSpan, batch.rows(), shape.heads(), 1, MERGE_THREADS, 0);
  }

  /** See {@link dev.kappa.device.Kernels#attentionResult}. */
  void result(CudaStream stream, int rows, AttentionShape shape, long state, long out) {
    stream
        .launch()
        .add(state)
        .add(shape.heads())
        .add(shape.headDim())
        .add(out)
        .run(kernels.attentionResult, rows, shape.heads(), 1, MERGE_THREADS, 0);
  }

  private AttentionKernels.Variant variant(Call call, int vectors) {
    return kernels.attention.find(call.layer().dtype(), call.shape().headDim(), vectors);
  }

  private static void whole(Call call, Part part, long out) {
    run(call, part, part.cut().tiles(), 0, Integer.MAX_VALUE, false, 0, 0, out);
  }

  /** Puts a kernel on the stream; of {@code partials}, {@code state} and {@code out} the first. */
  private static void run(
      Call call,
      Part part,
      int blocks,
      int first,
      int end,
      boolean inOrder,
      long partials,
      long state,
      long out) {
    AttentionCut cut = part.cut();
    AttentionShape shape = call.shape();
    KvLayer layer = call.layer();
    call.stream()
        .launch()
        .add(call.qkv())
        .add(call.staged().positions())
        .add(call.staged().sequences())
        .add(call.staged().tables())
        .add(call.maxBlocks())
        .add(part.firstRow())
        .add(cut.vectors())
        .add(cut.reach())
        .add(cut.step())
        .add(part.items())
        .add(cut.tiles())
        .add(part.firstSegment())
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
        .add(shape.scale())
        .add(shape.softcap())
        .add(shape.window())
        .add(partials)
        .add(state)
        .add(out)
        .run(
            part.variant().kernel(),
            blocks,
            shape.kvHeads(),
            1,
            part.variant().threads(),
            part.variant().sharedBytes());
  }

  /**
   * Merges the segments of rows.
   *
   * @param plan address of the tiles' plan, 0 for none
   * @param firstItem the launch's first item of it
   */
  private void merge(
      Call call, Part part, long plan, int firstItem, long partials, int row, int rows, long out) {
    AttentionShape shape = call.shape();
    AttentionCut cut = part.cut();
    call.stream()
        .launch()
        .add(partials)
        .add(plan)
        .add(firstItem)
        .add(cut.tiles())
        .add(part.firstSegment())
        .add(call.staged().positions())
        .add(part.firstRow())
        .add(row)
        .add(cut.vectors())
        .add(cut.reach())
        .add(cut.step())
        .add(shape.heads())
        .add(shape.kvHeads())
        .add(shape.headDim())
        .add(shape.window())
        .add(out)
        .run(kernels.mergeSegments, rows, shape.heads(), 1, MERGE_THREADS, 0);
  }
}
