package dev.kappa.cuda;

import dev.kappa.device.Arguments;
import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Kernels;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
import dev.kappa.device.RopeStore;
import dev.kappa.device.Stream;
import dev.kappa.device.Weight;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Checks arguments and puts kernels on streams. Activations are 16-bit ({@code bfloat16}). */
final class CudaKernels implements Kernels {

  private static final int ACTIVATION = 2;
  private static final int FLOAT = 4;
  private static final int WARP = 32;

  /** Elements that a thread takes at a time, in {@code eights.cuh}. */
  private static final int PIECE = 8;

  private static final int MOST_WARPS = 16;

  /** Two for each processor of the largest GPUs, where a kernel may have as many as it likes. */
  private static final int WANTED_BLOCKS = 288;

  private static final int MOST_HEAD_DIM = 256;
  private static final int TILE = 64;
  private static final int ARGMAX_THREADS = 256;
  private static final int ROPE_THREADS = 128;

  /** A millisecond at a third of what an H100's tensor cores are rated at. */
  private static final long SPAN_OPERATIONS = 330_000_000_000L;

  /** More tokens than a piece of any model brings. */
  private static final int MOST_SPAN_SEGMENTS = 1 << 12;

  /** Attention reads queries, keys and values in pieces of so many bytes. */
  private static final int ALIGNMENT = 16;

  private final KernelModule kernels;
  private final AttentionCalls attention;

  CudaKernels(KernelModule kernels, AttentionCalls attention) {
    this.kernels = kernels;
    this.attention = attention;
  }

  @Override
  public void embed(Stream stream, Weight table, Batch batch, DeviceMemory out) {
    CudaWeight weight = CudaWeight.of(table);
    long from = weight.address();
    pick("embed: out", stream, from, batch.tokenIdsAddress(), batch.rows(), weight.columns(), out);
  }

  @Override
  public void gatherOutputs(
      Stream stream,
      DeviceMemory in,
      Batch batch,
      int first,
      int count,
      int columns,
      DeviceMemory out) {
    Objects.checkFromIndexSize(first, count, batch.outputs());
    long from = rows("gatherOutputs: in", in, batch.rows(), columns);
    pick(
        "gatherOutputs: out",
        stream,
        from,
        batch.outputRowsAddress() + 4L * first,
        count,
        columns,
        out);
  }

  private void pick(
      String what,
      Stream stream,
      long from,
      long indices,
      int rows,
      int columns,
      DeviceMemory out) {
    long to = rows(what, out, rows, columns);
    CudaStream own = CudaStream.of(stream);
    if (rows > 0) {
      own.launch()
          .add(from)
          .add(indices)
          .add(to)
          .add(columns)
          .run(kernels.pickRows, rows, threads(columns));
    }
  }

  @Override
  public void rmsNorm(
      Stream stream,
      DeviceMemory in,
      DeviceMemory weight,
      int rows,
      int columns,
      float epsilon,
      DeviceMemory out) {
    long from = rows("rmsNorm: in", in, rows, columns);
    long factors = Arguments.matrix("rmsNorm: weight", weight, 1, columns, FLOAT);
    long to = rows("rmsNorm: out", out, rows, columns);
    CudaStream own = CudaStream.of(stream);
    if (rows > 0) {
      own.launch()
          .add(from)
          .add(factors)
          .add(to)
          .add(columns)
          .add(epsilon)
          .run(kernels.rmsNorm, rows, threads(columns));
    }
  }

  @Override
  public void addRmsNorm(
      Stream stream,
      DeviceMemory residual,
      DeviceMemory delta,
      DeviceMemory weight,
      int rows,
      int columns,
      float epsilon,
      DeviceMemory out) {
    long sum = rows("addRmsNorm: residual", residual, rows, columns);
    long added = rows("addRmsNorm: delta", delta, rows, columns);
    long factors = Arguments.matrix("addRmsNorm: weight", weight, 1, columns, FLOAT);
    long to = rows("addRmsNorm: out", out, rows, columns);
    CudaStream own = CudaStream.of(stream);
    if (rows > 0) {
      own.launch()
          .add(sum)
          .add(added)
          .add(factors)
          .add(to)
          .add(columns)
          .add(epsilon)
          .run(kernels.addRmsNorm, rows, threads(columns));
    }
  }

  @Override
  public void matmul(Stream stream, DeviceMemory in, int rows, Weight weight, DeviceMemory out) {
    multiply(stream, in, rows, weight, out, ACTIVATION);
  }

  @Override
  public void logits(Stream stream, DeviceMemory in, int rows, Weight weight, DeviceMemory out) {
    multiply(stream, in, rows, weight, out, FLOAT);
  }

  private static void multiply(
      Stream stream, DeviceMemory in, int rows, Weight weight, DeviceMemory out, int outBytes) {
    CudaWeight own = CudaWeight.of(weight);
    // Refuses a closed weight.
    long ignored = own.address();
    long from = Arguments.matrix("matmul: in", in, rows, own.columns(), ACTIVATION);
    long to = Arguments.matrix("matmul: out", out, rows, own.rows(), outBytes);
    CudaStream target = CudaStream.of(stream);
    if (rows > 0) {
      target.gemm().multiply(from, rows, own, to, outBytes);
    }
  }

  @Override
  public void ropeStore(
      Stream stream, DeviceMemory qkv, Batch batch, RopeStore args, KvLayer layer) {
    AttentionShape shape = args.shape();
    checkHeads(shape);
    Arguments.norms(args);
    checkLayer("ropeStore", layer, shape);
    int rows = batch.rows();
    long heads = Arguments.matrix("ropeStore: qkv", qkv, rows, shape.qkvColumns(), ACTIVATION);
    CudaStream own = CudaStream.of(stream);
    if (rows == 0) {
      return;
    }
    BatchStage.Staged staged = own.batchStage().stage(kernels, batch, layer.blockTokens());
    own.launch()
        .add(heads)
        .add(staged.positions())
        .add(staged.sequences())
        .add(staged.tables())
        .add(batch.maxBlocks())
        .add(args.table().address())
        .add(norm(args.queryNorm(), shape))
        .add(norm(args.keyNorm(), shape))
        .add(args.normEpsilon())
        .add(shape.heads())
        .add(shape.kvHeads())
        .add(shape.headDim())
        .add(layer.pool().address())
        .add(layer.blockStride())
        .add(layer.keyOffset())
        .add(layer.valueOffset())
        .add(layer.blockTokens())
        .run(Objects.requireNonNull(kernels.ropeStore.get(layer.dtype())), rows, ROPE_THREADS);
  }

  private static long norm(@Nullable DeviceMemory weight, AttentionShape shape) {
    return weight == null
        ? 0
        : Arguments.matrix("ropeStore: norm", weight, 1, shape.headDim(), FLOAT);
  }

  @Override
  public void attention(
      Stream stream,
      DeviceMemory qkv,
      Batch batch,
      AttentionShape shape,
      KvLayer layer,
      DeviceMemory out) {
    checkHeads(shape);
    checkLayer("attention", layer, shape);
    long queries =
        aligned(
            "attention: qkv",
            Arguments.matrix("attention: qkv", qkv, batch.rows(), shape.qkvColumns(), ACTIVATION));
    int columns = shape.heads() * shape.headDim();
    long to =
        aligned(
            "attention: out",
            Arguments.matrix("attention: out", out, batch.rows(), columns, ACTIVATION));
    CudaStream own = CudaStream.of(stream);
    if (batch.rows() > 0) {
      attention.attend(own, queries, batch, shape, layer, to);
    }
  }

  @Override
  public int attentionTile() {
    return TILE;
  }

  /**
   * Blocks of other streams' kernels begin when those of a span have all begun, so a span of many
   * rows is about a millisecond of arithmetic; one of few rows is over much earlier.
   */
  @Override
  public int spanTokens(AttentionShape shape, int rows) {
    long perToken = 4L * rows * shape.heads() * shape.headDim();
    long segments = SPAN_OPERATIONS / perToken / AttentionSegments.NEAR;
    return (int) Math.clamp(segments, 1, MOST_SPAN_SEGMENTS) * AttentionSegments.NEAR;
  }

  @Override
  public long attentionStateBytes(AttentionShape shape, int rows) {
    checkHeads(shape);
    return AttentionCalls.stateBytes(shape, rows);
  }

  @Override
  public void attentionSpan(
      Stream stream,
      DeviceMemory qkv,
      Batch batch,
      AttentionShape shape,
      KvLayer layer,
      KvSpan span,
      DeviceMemory state) {
    checkHeads(shape);
    checkLayer("attentionSpan", layer, shape);
    long carried = state("attentionSpan: state", batch, shape, state);
    Arguments.span(batch, shape, layer, span, TILE);
    long queries =
        aligned(
            "attentionSpan: qkv",
            Arguments.matrix(
                "attentionSpan: qkv", qkv, batch.rows(), shape.qkvColumns(), ACTIVATION));
    attention.attendSpan(CudaStream.of(stream), queries, batch, shape, layer, span, carried);
  }

  @Override
  public void attentionResult(
      Stream stream, Batch batch, AttentionShape shape, DeviceMemory state, DeviceMemory out) {
    checkHeads(shape);
    long carried = state("attentionResult: state", batch, shape, state);
    long to =
        Arguments.matrix(
            "attentionResult: out", out, batch.rows(), shape.heads() * shape.headDim(), ACTIVATION);
    attention.result(CudaStream.of(stream), batch.rows(), shape, carried, to);
  }

  private static long state(String what, Batch batch, AttentionShape shape, DeviceMemory state) {
    Arguments.oneSequence(what, batch);
    return aligned(
        what, Arguments.room(what, state, AttentionCalls.stateBytes(shape, batch.rows())));
  }

  private static long aligned(String what, long address) {
    if (address % ALIGNMENT != 0) {
      throw new IllegalArgumentException(
          "%s does not lie at a multiple of %d bytes".formatted(what, ALIGNMENT));
    }
    return address;
  }

  @Override
  public void siluMul(Stream stream, DeviceMemory gateUp, int rows, int columns, DeviceMemory out) {
    long from = rows("siluMul: gateUp", gateUp, rows, Math.multiplyExact(2, columns));
    long to = rows("siluMul: out", out, rows, columns);
    CudaStream own = CudaStream.of(stream);
    if (rows > 0) {
      int threads = threads(columns);
      int whole = Math.ceilDiv(columns, PIECE * threads);
      int parts = Math.clamp(Math.ceilDiv(WANTED_BLOCKS, rows), 1, whole);
      own.launch().add(from).add(to).add(columns).run(kernels.siluMul, rows, parts, 1, threads, 0);
    }
  }

  @Override
  public void argmax(Stream stream, DeviceMemory logits, int rows, int columns, HostMemory out) {
    long from = Arguments.matrix("argmax: logits", logits, rows, columns, FLOAT);
    long to = Arguments.mapped("argmax: out", out, rows, 1, Integer.BYTES);
    CudaStream own = CudaStream.of(stream);
    if (rows > 0) {
      own.launch().add(from).add(columns).add(to).run(kernels.argmax, rows, ARGMAX_THREADS);
    }
  }

  /** The address of rows of activations, for kernels that take them eight at a time. */
  private static long rows(String what, DeviceMemory memory, int rows, int columns) {
    long address = Arguments.matrix(what, memory, rows, columns, ACTIVATION);
    if (columns % PIECE == 0 && address % (PIECE * ACTIVATION) != 0) {
      throw new IllegalArgumentException(
          "%s: rows of %d do not begin at a multiple of 16 bytes".formatted(what, columns));
    }
    return address;
  }

  /** Threads for a row: by its length alone, since they decide the order of sums. */
  private static int threads(int columns) {
    return Math.clamp(Math.ceilDiv(columns, PIECE * WARP), 1, MOST_WARPS) * WARP;
  }

  private static void checkHeads(AttentionShape shape) {
    Arguments.heads("CUDA", shape, MOST_HEAD_DIM);
  }

  private static void checkLayer(String what, KvLayer layer, AttentionShape shape) {
    Arguments.layer(what, layer, shape);
    long places =
        layer.pool().address() | layer.blockStride() | layer.keyOffset() | layer.valueOffset();
    if (places % ALIGNMENT != 0) {
      throw new IllegalArgumentException(
          "%s: keys and values do not lie at multiples of %d bytes: %s"
              .formatted(what, ALIGNMENT, layer));
    }
  }
}
