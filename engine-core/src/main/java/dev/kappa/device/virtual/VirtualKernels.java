package dev.kappa.device.virtual;

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
import dev.kappa.device.RopeStore;
import dev.kappa.device.Router;
import dev.kappa.device.Stream;
import dev.kappa.device.Weight;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/** Checks arguments as every device does, and puts the time of kernels on streams. */
final class VirtualKernels implements Kernels {

  private static final int ACTIVATION = VirtualDevice.ACTIVATIONS.bytes();

  /** Logits, weights of norms, rotations and the state of attention. */
  private static final int FLOAT = Float.BYTES;

  /** Tokens of a tile of attention, as on the CPU. */
  private static final int TILE = 64;

  private static final int SPAN_BYTES = 1 << 20;

  private final VirtualDevice device;

  VirtualKernels(VirtualDevice device) {
    this.device = device;
  }

  @Override
  public void embed(Stream stream, Weight table, Batch batch, float scale, DeviceMemory out) {
    VirtualWeight weight = VirtualWeight.of(table).only();
    int rows = batch.rows();
    int columns = weight.columns();
    Arguments.matrix("embed: out", out, rows, columns, ACTIVATION);
    launch(stream, KernelCost.moving(rows * (weight.rowBytes() + columns * ACTIVATION)));
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
    Arguments.matrix("rmsNorm: in", in, rows, columns, ACTIVATION);
    Arguments.matrix("rmsNorm: weight", weight, 1, columns, FLOAT);
    Arguments.matrix("rmsNorm: out", out, rows, columns, ACTIVATION);
    launch(stream, norm(rows, columns, 2));
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
    Arguments.matrix("addRmsNorm: residual", residual, rows, columns, ACTIVATION);
    Arguments.matrix("addRmsNorm: delta", delta, rows, columns, ACTIVATION);
    Arguments.matrix("addRmsNorm: weight", weight, 1, columns, FLOAT);
    Arguments.matrix("addRmsNorm: out", out, rows, columns, ACTIVATION);
    launch(stream, norm(rows, columns, 4));
  }

  private static KernelCost norm(int rows, int columns, int passes) {
    return KernelCost.moving(columns * ((double) passes * rows * ACTIVATION + FLOAT));
  }

  @Override
  public void matmul(Stream stream, DeviceMemory in, int rows, Weight weight, DeviceMemory out) {
    multiply(stream, in, rows, weight, out, ACTIVATION);
  }

  @Override
  public void logits(Stream stream, DeviceMemory in, int rows, Weight weight, DeviceMemory out) {
    multiply(stream, in, rows, weight, out, FLOAT);
  }

  private void multiply(
      Stream stream, DeviceMemory in, int rows, Weight weight, DeviceMemory out, int outBytes) {
    VirtualWeight own = VirtualWeight.of(weight).only();
    Arguments.matrix("matmul: in", in, rows, own.columns(), ACTIVATION);
    Arguments.matrix("matmul: out", out, rows, own.rows(), outBytes);
    launch(stream, KernelCost.matmul(rows, own));
  }

  @Override
  public void softcap(Stream stream, DeviceMemory logits, int rows, int columns, float cap) {
    Arguments.matrix("softcap: logits", logits, rows, columns, FLOAT);
    launch(stream, KernelCost.moving(2.0 * rows * columns * FLOAT));
  }

  @Override
  public void ropeStore(
      Stream stream, DeviceMemory qkv, Batch batch, RopeStore args, KvLayer layer) {
    AttentionShape shape = args.shape();
    Arguments.rope(args);
    Arguments.layer("ropeStore", layer, shape);
    Arguments.matrix("ropeStore: qkv", qkv, batch.rows(), shape.qkvColumns(), ACTIVATION);
    long read = (long) shape.qkvColumns() * ACTIVATION + (long) args.rotaryDim() * FLOAT;
    long written =
        (long) shape.heads() * shape.headDim() * ACTIVATION + KernelCost.kvBytes(shape, layer);
    launch(stream, KernelCost.moving((double) batch.rows() * (read + written)));
  }

  @Override
  public void attention(
      Stream stream,
      DeviceMemory qkv,
      Batch batch,
      AttentionShape shape,
      KvLayer layer,
      DeviceMemory out) {
    Arguments.layer("attention", layer, shape);
    Arguments.matrix("attention: qkv", qkv, batch.rows(), shape.qkvColumns(), ACTIVATION);
    Arguments.matrix(
        "attention: out", out, batch.rows(), shape.heads() * shape.headDim(), ACTIVATION);
    attend(stream, KernelCost.attention(batch, shape, layer));
  }

  @Override
  public int attentionTile() {
    return TILE;
  }

  /** As many as take 1 MiB in 16 bits. */
  @Override
  public int spanTokens(AttentionShape shape, int rows) {
    int tokens = SPAN_BYTES / (4 * shape.kvHeads() * shape.headDim());
    return Math.max(1, tokens / TILE) * TILE;
  }

  /** Maximum, sum and weighted values of every query head, as floats. */
  @Override
  public long attentionStateBytes(AttentionShape shape, int rows) {
    return (long) rows * shape.heads() * (shape.headDim() + 2) * FLOAT;
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
    Arguments.layer("attentionSpan", layer, shape);
    Arguments.oneSequence("attentionSpan", batch);
    Arguments.span(batch, shape, layer, span, TILE);
    Arguments.matrix("attentionSpan: qkv", qkv, batch.rows(), shape.qkvColumns(), ACTIVATION);
    Arguments.room("attentionSpan: state", state, attentionStateBytes(shape, batch.rows()));
    attend(stream, KernelCost.attention(batch, shape, layer, span));
  }

  @Override
  public void attentionResult(
      Stream stream, Batch batch, AttentionShape shape, DeviceMemory state, DeviceMemory out) {
    int rows = batch.rows();
    int columns = shape.heads() * shape.headDim();
    Arguments.room("attentionResult: state", state, attentionStateBytes(shape, rows));
    Arguments.matrix("attentionResult: out", out, rows, columns, ACTIVATION);
    double written = (double) rows * columns * ACTIVATION;
    launch(stream, KernelCost.moving(attentionStateBytes(shape, rows) + written));
  }

  @Override
  public void gate(
      Stream stream,
      Activation activation,
      DeviceMemory gateUp,
      int rows,
      int columns,
      DeviceMemory out) {
    Arguments.matrix("gate: gateUp", gateUp, rows, Math.multiplyExact(2, columns), ACTIVATION);
    Arguments.matrix("gate: out", out, rows, columns, ACTIVATION);
    launch(stream, KernelCost.moving(3.0 * rows * columns * ACTIVATION));
  }

  @Override
  public void route(
      Stream stream, DeviceMemory scores, int rows, Router router, DeviceMemory choices) {
    Arguments.matrix("route: scores", scores, rows, router.experts(), FLOAT);
    Arguments.room("route: choices", choices, router.choiceBytes(rows));
    double read = (double) rows * router.experts() * FLOAT;
    launch(stream, KernelCost.moving(read + router.choiceBytes(rows)));
  }

  /** Gates and ups of all choices, what comes of them, and their results. */
  @Override
  public long expertScratchBytes(Router router, int hidden, int intermediate, int rows) {
    return rows * router.perToken() * (3L * intermediate + hidden) * ACTIVATION;
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
    Arguments.matrix("experts: in", in, rows, experts.hidden(), ACTIVATION);
    Arguments.matrix("experts: out", out, rows, experts.hidden(), ACTIVATION);
    Router router = experts.router();
    Arguments.room("experts: choices", choices, router.choiceBytes(rows));
    long needed = expertScratchBytes(router, experts.hidden(), experts.intermediate(), rows);
    Arguments.room("experts: scratch", scratch, needed);
    VirtualWeight gateUp = VirtualWeight.of(experts.gateUp());
    VirtualWeight down = VirtualWeight.of(experts.down());
    launch(stream, KernelCost.experts(rows, experts.router(), gateUp, down));
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
    Arguments.matrix("gatherOutputs: in", in, batch.rows(), columns, ACTIVATION);
    Arguments.matrix("gatherOutputs: out", out, count, columns, ACTIVATION);
    launch(stream, KernelCost.moving(2.0 * count * columns * ACTIVATION));
  }

  @Override
  public void argmax(Stream stream, DeviceMemory logits, int rows, int columns, HostMemory out) {
    Arguments.matrix("argmax: logits", logits, rows, columns, FLOAT);
    Arguments.mapped("argmax: out", out, rows, 1, Integer.BYTES);
    int token = device.options().argmaxToken();
    if (token >= columns) {
      throw new IllegalArgumentException(
          "argmax is set to find token %d, but there are %d".formatted(token, columns));
    }
    MemorySegment tokens = out.segment();
    Runnable effect =
        () -> {
          for (int row = 0; row < rows; row++) {
            tokens.setAtIndex(ValueLayout.JAVA_INT, row, token);
          }
        };
    KernelCost cost = KernelCost.moving((double) rows * columns * FLOAT);
    VirtualStream.of(stream).submit(device.work(cost, effect));
  }

  private void attend(Stream stream, KernelCost cost) {
    VirtualStream.of(stream).submit(device.attention(cost));
  }

  private void launch(Stream stream, KernelCost cost) {
    VirtualStream.of(stream).submit(device.work(cost));
  }
}
