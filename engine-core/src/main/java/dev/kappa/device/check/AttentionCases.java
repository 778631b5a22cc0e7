package dev.kappa.device.check;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.KvLayer;
import dev.kappa.device.KvSpan;
import dev.kappa.device.RopeStore;
import dev.kappa.device.check.KernelCase.Kind;
import dev.kappa.device.check.KernelCase.Output;
import dev.kappa.device.check.KernelCase.Prepared;
import dev.kappa.device.check.KernelCase.Work;
import dev.kappa.device.check.KvScene.Part;
import java.util.ArrayList;
import java.util.List;

/** Kernels that write and read KV blocks. */
final class AttentionCases {

  /** Room for probabilities that are rounded before values are multiplied with them. */
  private static final double TOLERANCE = 4 * KernelCase.ROUNDING;

  /** One rounding, and room for a number between two that falls to the other side. */
  private static final double ROPE_TOLERANCE = 2 * KernelCase.ROUNDING;

  private static final float EPSILON = 1e-6f;
  private static final double ROPE_BASE = 10_000;

  private AttentionCases() {}

  /** Heads with a scale that makes some tokens matter much more than others. */
  static AttentionShape heads(int heads, int kvHeads, int dim) {
    return new AttentionShape(heads, kvHeads, dim, (float) (4 / Math.sqrt(dim)));
  }

  /** The same with a window, and bounded scores. */
  static AttentionShape windowed(int heads, int kvHeads, int dim, int window) {
    float scale = (float) (4 / Math.sqrt(dim));
    return new AttentionShape(heads, kvHeads, dim, scale, window, 2f);
  }

  /** What {@link #ropeStore} does besides rotating whole heads. */
  enum Rope {
    PLAIN,
    NORMED,
    /** With a bias, and half of each head rotated. */
    BIASED_IN_PART
  }

  static KernelCase ropeStore(
      Inputs in, AttentionShape shape, int blockTokens, List<Part> parts, Rope kind) {
    KvScene scene = new KvScene(in, shape, blockTokens, parts, false);
    int elements = scene.rows * shape.qkvColumns();
    float[] values = in.floats(elements, 1f);
    float[] queryNorm = in.floats(shape.headDim(), 2f);
    float[] keyNorm = in.floats(shape.headDim(), 2f);
    float[] bias = in.floats(shape.qkvColumns(), 1f);
    boolean norms = kind == Rope.NORMED;
    boolean biased = kind == Rope.BIASED_IN_PART;
    int rotated = biased ? shape.headDim() / 2 : shape.headDim();
    int positions = parts.stream().mapToInt(Part::tokens).max().orElse(1);
    float[] angles = angles(positions, rotated);
    return new KernelCase(
        "ropeStore",
        scene.describe() + (norms ? ", normed" : biased ? ", biased, in part" : ""),
        ROPE_TOLERANCE,
        new Work(
            (long) scene.rows * (shape.qkvColumns() + shape.heads() * shape.headDim()),
            4L * scene.rows * shape.kvHeads() * shape.headDim(),
            0),
        side -> {
          DeviceMemory qkv = side.activations(values);
          Batch batch = scene.batch(side);
          KvLayer layer = scene.pool(side);
          RopeStore args =
              new RopeStore(
                  shape,
                  side.vector(angles),
                  rotated,
                  biased ? side.vector(bias) : null,
                  norms ? side.vector(queryNorm) : null,
                  norms ? side.vector(keyNorm) : null,
                  EPSILON);
          // Only queries are promised to be rotated in place; what becomes of keys is open.
          return new Prepared(
              () -> side.kernels().ropeStore(side.stream, qkv, batch, args, layer),
              List.of(
                  new Output(layer.pool(), Kind.BLOCKS, scene.poolElements()),
                  new Output(
                      qkv,
                      Kind.ACTIVATION,
                      elements,
                      shape.qkvColumns(),
                      shape.heads() * shape.headDim())));
        });
  }

  private static float[] angles(int positions, int dim) {
    float[] table = new float[positions * dim];
    for (int p = 0; p < positions; p++) {
      for (int i = 0; i < dim / 2; i++) {
        double angle = p * Math.pow(ROPE_BASE, -2.0 * i / dim);
        table[p * dim + i] = (float) Math.cos(angle);
        table[p * dim + dim / 2 + i] = (float) Math.sin(angle);
      }
    }
    return table;
  }

  static KernelCase attention(Inputs in, AttentionShape shape, int blockTokens, List<Part> parts) {
    KvScene scene = new KvScene(in, shape, blockTokens, parts, true);
    float[] values = in.floats(scene.rows * shape.qkvColumns(), 1f);
    int outputs = scene.rows * shape.heads() * shape.headDim();
    boolean decode = parts.stream().allMatch(part -> part.count() == 1);
    return new KernelCase(
        "attention",
        scene.describe(),
        TOLERANCE,
        decode ? Work.bytes(scene.readBytes()) : Work.flops(scene.flops()),
        side -> {
          DeviceMemory qkv = side.activations(values);
          Batch batch = scene.batch(side);
          KvLayer layer = scene.pool(side);
          DeviceMemory out = side.room(outputs);
          return new Prepared(
              () -> side.kernels().attention(side.stream, qkv, batch, shape, layer, out),
              List.of(new Output(out, Kind.ACTIVATION, outputs)));
        });
  }

  /** Three spans, of which the second is staged; the block table leads astray there. */
  static KernelCase spans(Inputs in, AttentionShape shape, int blockTokens, Part part) {
    KvScene scene = new KvScene(in, shape, blockTokens, List.of(part), true);
    float[] values = in.floats(scene.rows * shape.qkvColumns(), 1f);
    int outputs = scene.rows * shape.heads() * shape.headDim();
    return new KernelCase(
        "attentionSpan",
        scene.describe() + ", result",
        TOLERANCE,
        part.count() == 1 ? Work.bytes(scene.readBytes()) : Work.flops(scene.flops()),
        side -> {
          DeviceMemory qkv = side.activations(values);
          Batch batch = scene.batch(side);
          KvLayer pool = scene.pool(side);
          List<KvSpan> spans = cut(part.tokens(), blockTokens, side);
          List<KvLayer> layers = new ArrayList<>();
          for (KvSpan span : spans) {
            int first = span.first() / blockTokens;
            int blocks = Math.ceilDiv(span.tokens(), blockTokens);
            layers.add(span.staged() ? scene.staged(side, first, blocks) : pool);
            for (int i = 0; i < blocks && span.staged(); i++) {
              batch.setBlock(first + i, scene.spare);
            }
          }
          DeviceMemory state = side.poisoned(side.kernels().attentionStateBytes(shape, scene.rows));
          DeviceMemory out = side.room(outputs);
          return new Prepared(
              () -> {
                for (int i = 0; i < spans.size(); i++) {
                  side.kernels()
                      .attentionSpan(
                          side.stream, qkv, batch, shape, layers.get(i), spans.get(i), state);
                }
                side.kernels().attentionResult(side.stream, batch, shape, state, out);
              },
              List.of(new Output(out, Kind.ACTIVATION, outputs)));
        });
  }

  private static List<KvSpan> cut(int context, int blockTokens, Side side) {
    int tile = side.kernels().attentionTile();
    int step = tile;
    while (step % blockTokens != 0) {
      step += tile;
    }
    int tokens = Math.ceilDiv(Math.ceilDiv(context, 3), step) * step;
    List<KvSpan> spans = new ArrayList<>();
    for (int first = 0; first < context; first += tokens) {
      int length = Math.min(tokens, context - first);
      spans.add(new KvSpan(first, length, spans.size() == 1));
    }
    return spans;
  }
}
