package dev.kappa.cuda;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Kernels;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
import dev.kappa.device.Memory;
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
  private static final int MOST_HEAD_DIM = 256;
  private static final int TILE = 64;
  private static final int ARGMAX_THREADS = 256;
  private static final int ROPE_THREADS = 128;

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
    pick(stream, from, batch.tokenIdsAddress(), batch.rows(), weight.columns(), out);
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
    long from = address(in, batch.rows(), columns, ACTIVATION);
    pick(stream, from, batch.outputRowsAddress() + 4L * first, count, columns, out);
  }

  private void pick(
      Stream stream, long from, long indices, int rows, int columns, DeviceMemory out) {
    long to = address(out, rows, columns, ACTIVATION);
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
    long from = address(in, rows, columns, ACTIVATION);
    long factors = address(weight, 1, columns, FLOAT);
    long to = address(out, rows, columns, ACTIVATION);
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
    long sum = address(residual, rows, columns, ACTIVATION);
    long added = address(delta, rows, columns, ACTIVATION);
    long factors = address(weight, 1, columns, FLOAT);
    long to = address(out, rows, columns, ACTIVATION);
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
    long from = address(in, rows, own.columns(), ACTIVATION);
    long to = address(out, rows, own.rows(), outBytes);
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
    if ((args.queryNorm() == null) != (args.keyNorm() == null)) {
      throw new IllegalArgumentException("query and key norms come together");
    }
    checkLayer(layer, shape);
    int rows = batch.rows();
    long heads = address(qkv, rows, shape.qkvColumns(), ACTIVATION);
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
    return weight == null ? 0 : address(weight, 1, shape.headDim(), FLOAT);
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
    checkLayer(layer, shape);
    long queries = aligned(address(qkv, batch.rows(), shape.qkvColumns(), ACTIVATION), "queries");
    long to =
        aligned(address(out, batch.rows(), shape.heads() * shape.headDim(), ACTIVATION), "results");
    CudaStream own = CudaStream.of(stream);
    if (batch.rows() > 0) {
      attention.attend(own, queries, batch, shape, layer, to);
    }
  }

  @Override
  public int attentionTile() {
    return TILE;
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
    checkLayer(layer, shape);
    long carried = state(batch, shape, state);
    checkSpan(batch, shape, layer, span);
    long queries = aligned(address(qkv, batch.rows(), shape.qkvColumns(), ACTIVATION), "queries");
    attention.attendSpan(CudaStream.of(stream), queries, batch, shape, layer, span, carried);
  }

  @Override
  public void attentionResult(
      Stream stream, Batch batch, AttentionShape shape, DeviceMemory state, DeviceMemory out) {
    checkHeads(shape);
    long carried = state(batch, shape, state);
    long to = address(out, batch.rows(), shape.heads() * shape.headDim(), ACTIVATION);
    attention.result(CudaStream.of(stream), batch.rows(), shape, carried, to);
  }

  private static long state(Batch batch, AttentionShape shape, DeviceMemory state) {
    if (batch.sequences() != 1) {
      throw new IllegalArgumentException(
          "attention over spans takes one sequence, not " + batch.sequences());
    }
    state.checkRange(0, AttentionCalls.stateBytes(shape, batch.rows()));
    return aligned(state.address(), "the state");
  }

  private static long aligned(long address, String what) {
    if (address % ALIGNMENT != 0) {
      throw new IllegalArgumentException(
          "%s do not lie at a multiple of %d bytes".formatted(what, ALIGNMENT));
    }
    return address;
  }

  @Override
  public void siluMul(Stream stream, DeviceMemory gateUp, int rows, int columns, DeviceMemory out) {
    long from = address(gateUp, rows, Math.multiplyExact(2, columns), ACTIVATION);
    long to = address(out, rows, columns, ACTIVATION);
    CudaStream own = CudaStream.of(stream);
    if (rows > 0) {
      own.launch().add(from).add(to).add(columns).run(kernels.siluMul, rows, threads(columns));
    }
  }

  @Override
  public void argmax(Stream stream, DeviceMemory logits, int rows, int columns, HostMemory out) {
    long from = address(logits, rows, columns, FLOAT);
    long to = address(out, rows, 1, Integer.BYTES);
    CudaStream own = CudaStream.of(stream);
    if (rows > 0) {
      own.launch().add(from).add(columns).add(to).run(kernels.argmax, rows, ARGMAX_THREADS);
    }
  }

  /** Threads for a row: by its length alone, since they decide the order of sums. */
  private static int threads(int columns) {
    return Math.clamp(Math.ceilDiv(columns, 8 * WARP), 1, 8) * WARP;
  }

  /** The address of {@code [rows][columns]} elements. */
  private static long address(Memory memory, int rows, int columns, int elementBytes) {
    if (rows < 0 || columns < 1) {
      throw new IllegalArgumentException("a matrix of " + rows + " rows, " + columns + " columns");
    }
    memory.checkRange(0, (long) elementBytes * rows * columns);
    return memory.address();
  }

  private static void checkHeads(AttentionShape shape) {
    int dim = shape.headDim();
    if (dim % 16 != 0 || dim > MOST_HEAD_DIM) {
      throw new DeviceException(
          "the CUDA device computes heads of 16, 32 … %d elements, not of %d"
              .formatted(MOST_HEAD_DIM, dim));
    }
  }

  private static void checkLayer(KvLayer layer, AttentionShape shape) {
    if (layer.blockTokens() < 1
        || layer.keyOffset() < 0
        || layer.valueOffset() < 0
        || blockEnd(layer, shape) > layer.blockStride()) {
      throw new IllegalArgumentException(
          "%d tokens of %d heads do not fit a block: %s"
              .formatted(layer.blockTokens(), shape.kvHeads(), layer));
    }
    long places =
        layer.pool().address() | layer.blockStride() | layer.keyOffset() | layer.valueOffset();
    if (places % ALIGNMENT != 0) {
      throw new IllegalArgumentException(
          "keys and values do not lie at multiples of %d bytes: %s".formatted(ALIGNMENT, layer));
    }
  }

  /** Bytes from a block's start to the end of this layer's part of it. */
  private static long blockEnd(KvLayer layer, AttentionShape shape) {
    long side =
        (long) shape.kvHeads() * layer.blockTokens() * shape.headDim() * layer.dtype().bytes();
    return Math.max(layer.keyOffset(), layer.valueOffset()) + side;
  }

  private static void checkSpan(Batch batch, AttentionShape shape, KvLayer layer, KvSpan span) {
    int context = batch.contextLength(0);
    if (span.first() % TILE != 0 || span.first() % layer.blockTokens() != 0) {
      throw new IllegalArgumentException(
          "%s begins within a tile of %d tokens or a block of %d"
              .formatted(span, TILE, layer.blockTokens()));
    }
    if (span.tokens() > context - span.first()
        || (span.tokens() % TILE != 0 && span.end() != context)) {
      throw new IllegalArgumentException(
          "%s ends within a tile of %d tokens of a context of %d, or behind it"
              .formatted(span, TILE, context));
    }
    if (span.staged()) {
      long blocks = Math.ceilDiv(span.tokens(), layer.blockTokens());
      layer.pool().checkRange(0, (blocks - 1) * layer.blockStride() + blockEnd(layer, shape));
    }
  }
}
