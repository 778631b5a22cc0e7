package dev.kappa.device.cpu;

import dev.kappa.device.Activation;
import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.DeviceException;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Experts;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Kernels;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
import dev.kappa.device.Memory;
import dev.kappa.device.RopeStore;
import dev.kappa.device.Router;
import dev.kappa.device.Stream;
import dev.kappa.device.Weight;

/** Checks arguments and puts kernels on streams. Addresses are taken at the call. */
final class CpuKernels implements Kernels {

  private final WorkerPool pool;

  CpuKernels(WorkerPool pool) {
    this.pool = pool;
  }

  @Override
  public void embed(Stream stream, Weight table, Batch batch, float scale, DeviceMemory out) {
    PackedMatrix packed = packed(table).matrix();
    int rows = batch.rows();
    long to = floats(out, rows, packed.columns());
    CpuStream.of(stream)
        .launch(scratch -> ElementwiseKernel.embed(pool, scratch, packed, batch, rows, scale, to));
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
    long from = floats(in, rows, columns);
    long factors = floats(weight, 1, columns);
    long to = floats(out, rows, columns);
    CpuStream.of(stream)
        .launch(
            scratch -> NormKernel.run(pool, scratch, from, factors, rows, columns, epsilon, to));
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
    long sum = floats(residual, rows, columns);
    long added = floats(delta, rows, columns);
    long factors = floats(weight, 1, columns);
    long to = floats(out, rows, columns);
    CpuStream.of(stream)
        .launch(scratch ->
            NormKernel.addAndRun(pool, scratch, sum, added, factors, rows, columns, epsilon, to));
  }

  @Override
  public void matmul(Stream stream, DeviceMemory in, int rows, Weight weight, DeviceMemory out) {
    PackedMatrix packed = packed(weight).matrix();
    long from = floats(in, rows, packed.columns());
    long to = floats(out, rows, packed.rows());
    CpuStream.of(stream).launch(scratch -> MatmulKernel.run(pool, scratch, from, rows, packed, to));
  }

  @Override
  public void logits(Stream stream, DeviceMemory in, int rows, Weight weight, DeviceMemory out) {
    matmul(stream, in, rows, weight, out);
  }

  @Override
  public void softcap(Stream stream, DeviceMemory logits, int rows, int columns, float cap) {
    long at = floats(logits, rows, columns);
    CpuStream.of(stream)
        .launch(scratch -> ElementwiseKernel.softcap(pool, scratch, at, rows, columns, cap));
  }

  @Override
  public void ropeStore(
      Stream stream, DeviceMemory qkv, Batch batch, RopeStore args, KvLayer layer) {
    AttentionShape shape = args.shape();
    checkHeads(shape);
    if (args.bias() != null) {
      floats(args.bias(), 1, shape.qkvColumns());
    }
    checkLayer(layer, shape);
    int rows = batch.rows();
    RopeKernel kernel = new RopeKernel(floats(qkv, rows, shape.qkvColumns()), batch, args, layer);
    int chunk = Math.max(1, (8 << 10) / shape.qkvColumns());
    CpuStream.of(stream)
        .launch(scratch -> Rows.run(pool, scratch, rows, chunk, (own, row) -> kernel.row(row)));
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
    int rows = batch.rows();
    AttentionKernel kernel =
        new AttentionKernel(
            floats(qkv, rows, shape.qkvColumns()),
            batch,
            shape,
            layer,
            floats(out, rows, shape.heads() * shape.headDim()));
    CpuStream.of(stream).launch(scratch -> kernel.run(pool, scratch));
  }

  @Override
  public int attentionTile() {
    return KvTile.TOKENS;
  }

  @Override
  public long attentionStateBytes(AttentionShape shape, int rows) {
    checkHeads(shape);
    return CarriedStates.bytes(shape, rows);
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
    CarriedStates carried = carried(batch, shape, state);
    checkSpan(batch, shape, layer, span);
    long queries = floats(qkv, batch.rows(), shape.qkvColumns());
    AttentionKernel kernel = new AttentionKernel(queries, batch, shape, layer, span, carried);
    CpuStream.of(stream).launch(scratch -> kernel.run(pool, scratch));
  }

  @Override
  public void attentionResult(
      Stream stream, Batch batch, AttentionShape shape, DeviceMemory state, DeviceMemory out) {
    checkHeads(shape);
    long to = floats(out, batch.rows(), shape.heads() * shape.headDim());
    AttentionResult result = new AttentionResult(batch, shape, carried(batch, shape, state), to);
    CpuStream.of(stream).launch(scratch -> result.run(pool, scratch));
  }

  private static CarriedStates carried(Batch batch, AttentionShape shape, DeviceMemory state) {
    if (batch.sequences() != 1) {
      throw new IllegalArgumentException(
          "attention over spans takes one sequence, not " + batch.sequences());
    }
    state.checkRange(0, CarriedStates.bytes(shape, batch.rows()));
    return new CarriedStates(state.address(), shape);
  }

  @Override
  public void gate(
      Stream stream,
      Activation activation,
      DeviceMemory gateUp,
      int rows,
      int columns,
      DeviceMemory out) {
    long from = floats(gateUp, rows, Math.multiplyExact(2, columns));
    long to = floats(out, rows, columns);
    CpuStream.of(stream)
        .launch(scratch -> GateKernel.run(pool, scratch, activation, from, rows, columns, to));
  }

  @Override
  public void route(
      Stream stream, DeviceMemory scores, int rows, Router router, DeviceMemory choices) {
    long from = floats(scores, rows, router.experts());
    choices.checkRange(0, router.choiceBytes(rows));
    long to = choices.address();
    CpuStream.of(stream).launch(scratch -> RouteKernel.run(pool, scratch, from, rows, router, to));
  }

  @Override
  public long expertScratchBytes(Router router, int hidden, int intermediate, int rows) {
    return ExpertKernel.scratchBytes(router, hidden, intermediate, rows);
  }

  @Override
  public void experts(
      Stream stream,
      DeviceMemory in,
      int rows,
      Experts experts,
      DeviceMemory choices,
      DeviceMemory scratch,
      DeviceMemory out) {
    ExpertKernel kernel = kernel(experts);
    long from = floats(in, rows, experts.hidden());
    long to = floats(out, rows, experts.hidden());
    choices.checkRange(0, experts.router().choiceBytes(rows));
    scratch.checkRange(
        0, expertScratchBytes(experts.router(), experts.hidden(), experts.intermediate(), rows));
    long chosen = choices.address();
    long temporary = scratch.address();
    CpuStream.of(stream).launch(own -> kernel.run(pool, own, from, rows, chosen, temporary, to));
  }

  private static ExpertKernel kernel(Experts experts) {
    return new ExpertKernel(
        experts.router(), packed(experts.gateUp()), packed(experts.down()), experts.activation());
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
    java.util.Objects.checkFromIndexSize(first, count, batch.outputs());
    long from = floats(in, batch.rows(), columns);
    long to = floats(out, count, columns);
    CpuStream.of(stream)
        .launch(scratch ->
            ElementwiseKernel.gather(pool, scratch, from, batch, first, count, columns, to));
  }

  @Override
  public void argmax(Stream stream, DeviceMemory logits, int rows, int columns, HostMemory out) {
    long from = floats(logits, rows, columns);
    long to = floats(out, rows, 1);
    CpuStream.of(stream)
        .launch(scratch -> ArgmaxKernel.run(pool, scratch, from, rows, columns, to));
  }

  private static PackedWeight packed(Weight weight) {
    if (weight instanceof PackedWeight packed) {
      // Refuses a closed one.
      var _ = packed.matrix(0);
      return packed;
    }
    throw new IllegalArgumentException("not a weight of the CPU device: " + weight);
  }

  /** The address of {@code [rows][columns]} 32-bit elements. */
  private static long floats(Memory memory, int rows, int columns) {
    if (rows < 0 || columns < 1) {
      throw new IllegalArgumentException("a matrix of " + rows + " rows, " + columns + " columns");
    }
    memory.checkRange(0, 4L * rows * columns);
    return memory.address();
  }

  private static void checkHeads(AttentionShape shape) {
    int dim = shape.headDim();
    if (dim % 16 != 0 || dim > AttentionKernel.MAX_HEAD_DIM) {
      throw new DeviceException(
          "the CPU device computes heads of 16, 32 … %d elements, not of %d"
              .formatted(AttentionKernel.MAX_HEAD_DIM, dim));
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
  }

  /** Bytes from a block's start to the end of this layer's part of it. */
  private static long blockEnd(KvLayer layer, AttentionShape shape) {
    long side =
        (long) shape.kvHeads() * layer.blockTokens() * shape.headDim() * layer.dtype().bytes();
    return Math.max(layer.keyOffset(), layer.valueOffset()) + side;
  }

  private static void checkSpan(Batch batch, AttentionShape shape, KvLayer layer, KvSpan span) {
    int context = batch.contextLength(0);
    if (span.first() % KvTile.TOKENS != 0 || span.first() % layer.blockTokens() != 0) {
      throw new IllegalArgumentException(
          "%s begins within a tile of %d tokens or a block of %d"
              .formatted(span, KvTile.TOKENS, layer.blockTokens()));
    }
    if (span.tokens() > context - span.first()
        || (span.tokens() % KvTile.TOKENS != 0 && span.end() != context)) {
      throw new IllegalArgumentException(
          "%s ends within a tile of %d tokens of a context of %d, or behind it"
              .formatted(span, KvTile.TOKENS, context));
    }
    if (span.staged()) {
      long blocks = Math.ceilDiv(span.tokens(), layer.blockTokens());
      layer.pool().checkRange(0, (blocks - 1) * layer.blockStride() + blockEnd(layer, shape));
    }
  }
}
