package dev.kappa.model;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Kernels;
import dev.kappa.device.LayerKv;
import dev.kappa.device.Resources;
import dev.kappa.device.Stream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The forward pass of every supported architecture: pre-norm decoder layers with rotary
 * grouped-query attention over paged KV and a gated feed-forward part, whose results are normed,
 * too, where there are weights for that. Owns its activations, not the weights. Not thread-safe;
 * one step is in flight at a time.
 */
public final class Transformer implements AutoCloseable {

  private final ModelConfig config;
  private final TransformerWeights weights;
  private final Kernels kernels;
  private final AttentionShape[] shapes;
  private final int headColumns;
  private final int elementBytes;

  private final Resources owned = new Resources();
  private final DeviceMemory residual;
  private final DeviceMemory outputResidual;
  private final DeviceMemory normed;
  private final DeviceMemory qkv;
  private final DeviceMemory attended;
  private final DeviceMemory outputAttended;
  private final DeviceMemory projected;
  private final DeviceMemory postNormed;
  private final FeedForwardPart feedForward;

  /**
   * @param maxRows most new tokens in a step
   * @throws dev.kappa.device.DeviceException if the activations do not fit
   */
  public Transformer(ModelConfig config, TransformerWeights weights, Device device, int maxRows) {
    this.config = config;
    this.weights = weights;
    kernels = device.kernels();
    elementBytes = device.info().activationType().bytes();
    shapes = new AttentionShape[config.layers()];
    Arrays.setAll(shapes, config.attention()::shape);
    int hidden = config.hiddenSize();
    headColumns = config.heads() * config.headDim();
    try {
      residual = allocate(device, maxRows, hidden);
      outputResidual = allocate(device, maxRows, hidden);
      normed = allocate(device, maxRows, hidden);
      qkv = allocate(device, maxRows, shapes[0].qkvColumns());
      attended = allocate(device, maxRows, headColumns);
      outputAttended = allocate(device, maxRows, headColumns);
      projected = allocate(device, maxRows, hidden);
      postNormed = hasPostNorms(config) ? allocate(device, maxRows, hidden) : projected;
      feedForward = owned.own(new FeedForwardPart(config, device, maxRows), FeedForwardPart::close);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Device bytes that a transformer for so many rows takes for its activations. */
  public static long activationBytes(ModelConfig config, Device device, int maxRows) {
    AttentionShape shape = config.attention().shape(0);
    long columns =
        (hasPostNorms(config) ? 5L : 4L) * config.hiddenSize()
            + shape.qkvColumns()
            + 2L * shape.heads() * shape.headDim();
    return columns * maxRows * device.info().activationType().bytes()
        + FeedForwardPart.bytes(config, device, maxRows);
  }

  private static boolean hasPostNorms(ModelConfig config) {
    Architecture architecture = Architecture.of(config);
    return architecture.has(TensorRole.POST_ATTENTION_NORM)
        || architecture.has(TensorRole.POST_FEED_FORWARD_NORM);
  }

  /**
   * Begins a step that writes the KV of all rows and leaves the hidden states of the wanted rows
   * for {@link #logits}, once all its parts are on the stream.
   *
   * @param kv leads to the keys and values of all sequences in the batch
   */
  public Pass pass(Stream stream, Batch batch, LayerKv kv) {
    return new Pass(stream, batch, kv);
  }

  /**
   * Puts the logits of wanted rows {@code first … first + count - 1} of the latest {@link #pass} on
   * the stream.
   *
   * @param out 32-bit floats {@code [count][vocabulary]}
   */
  public void logits(Stream stream, int first, int count, DeviceMemory out) {
    long rowBytes = (long) config.hiddenSize() * elementBytes;
    DeviceMemory rows = normed.slice(first * rowBytes, count * rowBytes);
    kernels.logits(stream, rows, count, weights.head(), out);
    if (config.logitSoftcap() > 0) {
      kernels.softcap(stream, out, count, config.vocabularySize(), config.logitSoftcap());
    }
  }

  /** Puts the choice of each row's largest logit on the stream, see {@link Kernels#argmax}. */
  public void argmax(Stream stream, DeviceMemory logits, int rows, HostMemory out) {
    kernels.argmax(stream, logits, rows, config.vocabularySize(), out);
  }

  /** Frees the activations; the stream must be idle. */
  @Override
  public void close() {
    owned.close();
  }

  /**
   * A step on its way onto a stream, part by part, so that whoever submits it may stop in between.
   * Used by one thread at a time.
   */
  public final class Pass {

    private final Stream stream;
    private final Batch batch;
    private final LayerKv kv;
    private final int last = config.layers() - 1;
    private DeviceMemory state = residual;

    /** What is to be added to the state; null before the first layer gave anything. */
    private @Nullable DeviceMemory delta;

    private boolean begun;
    private int layer;

    /** Parts of the layer's attention that are on the stream. */
    private int part;

    private Pass(Stream stream, Batch batch, LayerKv kv) {
      this.stream = stream;
      this.batch = batch;
      this.kv = kv;
    }

    /**
     * Puts the next part on the stream: one of a layer's attention, with what comes before the
     * first and behind the last.
     *
     * @return whether there are more
     */
    public boolean next() {
      if (!begun) {
        begun = true;
        kernels.embed(stream, weights.embedding(), batch, config.embeddingScale(), state);
        project();
      }
      if (isComplete()) {
        return false;
      }
      if (kv.attend(kernels, stream, layer, part, qkv, batch, shapes[layer], attended)) {
        part++;
        return true;
      }
      part = 0;
      finishLayer();
      layer++;
      if (layer <= last) {
        project();
        return !isComplete();
      }
      norm(stream, state, delta, weights.finalNorm(), batch.outputs());
      return false;
    }

    /** Whether all KV is written, and nothing else is wanted. */
    private boolean isComplete() {
      return layer == last && batch.outputs() == 0;
    }

    /** A layer up to its KV. */
    private void project() {
      TransformerWeights.Layer weight = weights.layers().get(layer);
      int rows = batch.rows();
      norm(stream, state, delta, weight.inputNorm(), rows);
      kernels.matmul(stream, normed, rows, weight.qkv(), qkv);
      kv.before(stream, layer);
      kernels.ropeStore(stream, qkv, batch, weight.rope(), kv.layer(layer));
    }

    /** A layer from its attention on. */
    private void finishLayer() {
      TransformerWeights.Layer weight = weights.layers().get(layer);
      int rows = batch.rows();
      DeviceMemory attention = attended;
      if (layer == last) {
        // No row looks at another any more, so only the wanted ones go on.
        rows = batch.outputs();
        gather(stream, batch, attended, headColumns, outputAttended);
        gather(stream, batch, state, config.hiddenSize(), outputResidual);
        attention = outputAttended;
        state = outputResidual;
      }
      kernels.matmul(stream, attention, rows, weight.attentionOut(), projected);
      delta = postNorm(stream, weight.postAttentionNorm(), rows);
      norm(stream, state, delta, weight.feedForwardNorm(), rows);
      feedForward.run(stream, weight.feedForward(), normed, rows, projected);
      delta = postNorm(stream, weight.postFeedForwardNorm(), rows);
    }
  }

  /** What the last projection gave, normed where there are weights for that. */
  private DeviceMemory postNorm(Stream stream, @Nullable DeviceMemory weight, int rows) {
    if (weight == null) {
      return projected;
    }
    int hidden = config.hiddenSize();
    kernels.rmsNorm(stream, projected, weight, rows, hidden, config.normEpsilon(), postNormed);
    return postNormed;
  }

  /** Norms the state into {@link #normed}, first adding what there is to be added. */
  private void norm(
      Stream stream,
      DeviceMemory state,
      @Nullable DeviceMemory delta,
      DeviceMemory weight,
      int rows) {
    int hidden = config.hiddenSize();
    float epsilon = config.normEpsilon();
    if (delta == null) {
      kernels.rmsNorm(stream, state, weight, rows, hidden, epsilon, normed);
    } else {
      kernels.addRmsNorm(stream, state, delta, weight, rows, hidden, epsilon, normed);
    }
  }

  private void gather(Stream stream, Batch batch, DeviceMemory in, int columns, DeviceMemory out) {
    kernels.gatherOutputs(stream, in, batch, 0, batch.outputs(), columns, out);
  }

  private DeviceMemory allocate(Device device, int rows, int columns) {
    return owned.own(device.allocate((long) rows * columns * elementBytes), DeviceMemory::close);
  }
}
