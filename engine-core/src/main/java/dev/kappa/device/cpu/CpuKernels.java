package dev.kappa.device.cpu;

import dev.kappa.device.Activation;
import dev.kappa.device.Arguments;
import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
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

  private static final int SPAN_BYTES = 1 << 20;

  private final WorkerPool pool;

  CpuKernels(WorkerPool pool) {
    this.pool = pool;
  }

  @Override
  public void embed(Stream stream, Weight table, Batch batch, float scale, DeviceMemory out) {
    PackedMatrix packed = packed(table).matrix();
    int rows = batch.rows();
    long to = floats("embed: out", out, rows, packed.columns());
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
    long from = floats("rmsNorm: in", in, rows, columns);
    long factors = floats("rmsNorm: weight", weight, 1, columns);
    long to = floats("rmsNorm: out", out, rows, columns);
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
    long sum = floats("addRmsNorm: residual", residual, rows, columns);
    long added = floats("addRmsNorm: delta", delta, rows, columns);
    long factors = floats("addRmsNorm: weight", weight, 1, columns);
    long to = floats("addRmsNorm: out", out, rows, columns);
    CpuStream.of(stream)
        .launch(scratch ->
            NormKernel.addAndRun(pool, scratch, sum, added, factors, rows, columns, epsilon, to));
  }

  @Override
  public void matmul(Stream stream, DeviceMemory in, int rows, Weight weight, DeviceMemory out) {
    PackedMatrix packed = packed(weight).matrix();
    long from = floats("matmul: in", in, rows, packed.columns());
    long to = floats("matmul: out", out, rows, packed.rows());
    CpuStream.of(stream).launch(scratch -> MatmulKernel.run(pool, scratch, from, rows, packed, to));
  }

  @Override
  public void logits(Stream stream, DeviceMemory in, int rows, Weight weight, DeviceMemory out) {
    matmul(stream, in, rows, weight, out);
  }

  @Override
  public void softcap(Stream stream, DeviceMemory logits, int rows, int columns, float cap) {
    long at = floats("softcap: logits", logits, rows, columns);
    CpuStream.of(stream)
        .launch(scratch -> ElementwiseKernel.softcap(pool, scratch, at, rows, columns, cap));
  }

  @Override
  public void ropeStore(
      Stream stream, DeviceMemory qkv, Batch batch, RopeStore args, KvLayer layer) {
    AttentionShape shape = args.shape();
    checkHeads(shape);
    Arguments.rope(args);
    Arguments.layer("ropeStore", layer, shape);
    int rows = batch.rows();
    RopeKernel kernel =
        new RopeKernel(floats("ropeStore: qkv", qkv, rows, shape.qkvColumns()), batch, args, layer);
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
    Arguments.layer("attention", layer, shape);
    int rows = batch.rows();
    AttentionKernel kernel =
        new AttentionKernel(
            floats("attention: qkv", qkv, rows, shape.qkvColumns()),
            batch,
            shape,
            layer,
            floats("attention: out", out, rows, shape.heads() * shape.headDim()));
    CpuStream.of(stream).launch(scratch -> kernel.run(pool, scratch));
  }

  @Override
  public int attentionTile() {
    return KvTile.TOKENS;
  }

  /** As many as take 1 MiB in 16 bits: the streams' kernels take turns. */
  @Override
  public int spanTokens(AttentionShape shape, int rows) {
    int tokens = SPAN_BYTES / (4 * shape.kvHeads() * shape.headDim());
    return Math.max(1, tokens / KvTile.TOKENS) * KvTile.TOKENS;
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
    Arguments.layer("attentionSpan", layer, shape);
    CarriedStates carried = carried("attentionSpan: state", batch, shape, state);
    Arguments.span(batch, shape, layer, span, KvTile.TOKENS);
    long queries = floats("attentionSpan: qkv", qkv, batch.rows(), shape.qkvColumns());
    AttentionKernel kernel = new AttentionKernel(queries, batch, shape, layer, span, carried);
    CpuStream.of(stream).launch(scratch -> kernel.run(pool, scratch));
  }

  @Override
  public void attentionResult(
      Stream stream, Batch batch, AttentionShape shape, DeviceMemory state, DeviceMemory out) {
    checkHeads(shape);
    long to = floats("attentionResult: out", out, batch.rows(), shape.heads() * shape.headDim());
    AttentionResult result =
        new AttentionResult(
            batch, shape, carried("attentionResult: state", batch, shape, state), to);
    CpuStream.of(stream).launch(scratch -> result.run(pool, scratch));
  }

  private static CarriedStates carried(
      String what, Batch batch, AttentionShape shape, DeviceMemory state) {
    Arguments.oneSequence(what, batch);
    long bytes = CarriedStates.bytes(shape, batch.rows());
    return new CarriedStates(Arguments.room(what, state, bytes), shape);
  }

  @Override
  public void gate(
      Stream stream,
      Activation activation,
      DeviceMemory gateUp,
      int rows,
      int columns,
      DeviceMemory out) {
    long from = floats("gate: gateUp", gateUp, rows, Math.multiplyExact(2, columns));
    long to = floats("gate: out", out, rows, columns);
    CpuStream.of(stream)
        .launch(scratch -> GateKernel.run(pool, scratch, activation, from, rows, columns, to));
  }

  @Override
  public void route(
      Stream stream, DeviceMemory scores, int rows, Router router, DeviceMemory choices) {
    long from = floats("route: scores", scores, rows, router.experts());
    long to = Arguments.room("route: choices", choices, router.choiceBytes(rows));
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
    Router router = experts.router();
    long from = floats("experts: in", in, rows, experts.hidden());
    long to = floats("experts: out", out, rows, experts.hidden());
    long chosen = Arguments.room("experts: choices", choices, router.choiceBytes(rows));
    long needed = expertScratchBytes(router, experts.hidden(), experts.intermediate(), rows);
    long temporary = Arguments.room("experts: scratch", scratch, needed);
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
    long from = floats("gatherOutputs: in", in, batch.rows(), columns);
    long to = floats("gatherOutputs: out", out, count, columns);
    CpuStream.of(stream)
        .launch(scratch ->
            ElementwiseKernel.gather(pool, scratch, from, batch, first, count, columns, to));
  }

  @Override
  public void argmax(Stream stream, DeviceMemory logits, int rows, int columns, HostMemory out) {
    long from = floats("argmax: logits", logits, rows, columns);
    long to = Arguments.mapped("argmax: out", out, rows, 1, Integer.BYTES);
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
  private static long floats(String what, Memory memory, int rows, int columns) {
    return Arguments.matrix(what, memory, rows, columns, Float.BYTES);
  }

  private static void checkHeads(AttentionShape shape) {
    Arguments.heads("CPU", shape, AttentionKernel.MAX_HEAD_DIM);
  }
}
