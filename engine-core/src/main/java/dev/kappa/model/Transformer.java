package dev.kappa.model;

import dev.kappa.device.AttentionShape;
import dev.kappa.device.Batch;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.HostMemory;
import dev.kappa.device.Kernels;
import dev.kappa.device.LayerKv;
import dev.kappa.device.RopeStore;
import dev.kappa.device.Stream;
import java.util.ArrayList;
import java.util.List;

/**
 * The forward pass of every supported architecture: pre-norm decoder layers with rotary
 * grouped-query attention over paged KV and a gated feed-forward part. Owns its activations, not
 * the weights. Not thread-safe; one step is in flight at a time.
 */
public final class Transformer implements AutoCloseable {

  private final ModelConfig config;
  private final TransformerWeights weights;
  private final Kernels kernels;
  private final AttentionShape shape;
  private final RopeStore[] rope;
  private final int elementBytes;

  private final List<DeviceMemory> owned = new ArrayList<>();
  private final DeviceMemory residual;
  private final DeviceMemory outputResidual;
  private final DeviceMemory normed;
  private final DeviceMemory qkv;
  private final DeviceMemory attended;
  private final DeviceMemory outputAttended;
  private final DeviceMemory projected;
  private final DeviceMemory gateUp;
  private final DeviceMemory gated;

  /**
   * @param maxRows most new tokens in a step
   * @throws dev.kappa.device.DeviceException if the activations do not fit
   */
  public Transformer(ModelConfig config, TransformerWeights weights, Device device, int maxRows) {
    this.config = config;
    this.weights = weights;
    kernels = device.kernels();
    shape = config.attention();
    elementBytes = device.info().activationType().bytes();
    rope = new RopeStore[config.layers()];
    for (int l = 0; l < rope.length; l++) {
      TransformerWeights.Layer layer = weights.layers().get(l);
      rope[l] =
          new RopeStore(
              shape, weights.ropeTable(), layer.queryNorm(), layer.keyNorm(), config.normEpsilon());
    }
    int hidden = config.hiddenSize();
    int headColumns = shape.heads() * shape.headDim();
    try {
      residual = allocate(device, maxRows, hidden);
      outputResidual = allocate(device, maxRows, hidden);
      normed = allocate(device, maxRows, hidden);
      qkv = allocate(device, maxRows, shape.qkvColumns());
      attended = allocate(device, maxRows, headColumns);
      outputAttended = allocate(device, maxRows, headColumns);
      projected = allocate(device, maxRows, hidden);
      gateUp = allocate(device, maxRows, 2 * config.intermediateSize());
      gated = allocate(device, maxRows, config.intermediateSize());
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Device bytes that a transformer for so many rows takes for its activations. */
  public static long activationBytes(ModelConfig config, Device device, int maxRows) {
    AttentionShape shape = config.attention();
    long columns =
        4L * config.hiddenSize()
            + shape.qkvColumns()
            + 2L * shape.heads() * shape.headDim()
            + 3L * config.intermediateSize();
    return columns * maxRows * device.info().activationType().bytes();
  }

  /**
   * Puts a step on the stream: writes the KV of all rows and leaves the hidden states of the wanted
   * rows for {@link #logits}.
   *
   * @param kv leads to the keys and values of all sequences in the batch
   */
  public void forward(Stream stream, Batch batch, LayerKv kv) {
    int rows = batch.rows();
    DeviceMemory state = residual;
    kernels.embed(stream, weights.embedding(), batch, state);
    for (int l = 0; l < config.layers(); l++) {
      TransformerWeights.Layer layer = weights.layers().get(l);
      boolean last = l == config.layers() - 1;
      norm(stream, state, l > 0, layer.inputNorm(), rows);
      kernels.matmul(stream, normed, rows, layer.qkv(), qkv);
      kv.before(stream, l);
      kernels.ropeStore(stream, qkv, batch, rope[l], kv.layer(l));
      if (last && batch.outputs() == 0) {
        return;
      }
      kv.attend(kernels, stream, l, qkv, batch, shape, attended);
      DeviceMemory attention = attended;
      if (last) {
        // No row looks at another any more, so only the wanted ones go on.
        rows = batch.outputs();
        gather(stream, batch, attended, shape.heads() * shape.headDim(), outputAttended);
        gather(stream, batch, state, config.hiddenSize(), outputResidual);
        attention = outputAttended;
        state = outputResidual;
      }
      kernels.matmul(stream, attention, rows, layer.attentionOut(), projected);
      norm(stream, state, true, layer.postAttentionNorm(), rows);
      kernels.matmul(stream, normed, rows, layer.gateUp(), gateUp);
      kernels.siluMul(stream, gateUp, rows, config.intermediateSize(), gated);
      kernels.matmul(stream, gated, rows, layer.down(), projected);
    }
    norm(stream, state, true, weights.finalNorm(), rows);
  }

  /**
   * Puts the logits of wanted rows {@code first … first + count - 1} of the latest {@link #forward}
   * on the stream.
   *
   * @param out 32-bit floats {@code [count][vocabulary]}
   */
  public void logits(Stream stream, int first, int count, DeviceMemory out) {
    long rowBytes = (long) config.hiddenSize() * elementBytes;
    DeviceMemory rows = normed.slice(first * rowBytes, count * rowBytes);
    kernels.logits(stream, rows, count, weights.head(), out);
  }

  /** Puts the choice of each row's largest logit on the stream, see {@link Kernels#argmax}. */
  public void argmax(Stream stream, DeviceMemory logits, int rows, HostMemory out) {
    kernels.argmax(stream, logits, rows, config.vocabularySize(), out);
  }

  /** Frees the activations; the stream must be idle. */
  @Override
  public void close() {
    owned.forEach(DeviceMemory::close);
    owned.clear();
  }

  /** Norms the state into {@link #normed}, first adding what the last projection gave. */
  private void norm(
      Stream stream, DeviceMemory state, boolean addProjected, DeviceMemory weight, int rows) {
    int hidden = config.hiddenSize();
    float epsilon = config.normEpsilon();
    if (addProjected) {
      kernels.addRmsNorm(stream, state, projected, weight, rows, hidden, epsilon, normed);
    } else {
      kernels.rmsNorm(stream, state, weight, rows, hidden, epsilon, normed);
    }
  }

  private void gather(Stream stream, Batch batch, DeviceMemory in, int columns, DeviceMemory out) {
    kernels.gatherOutputs(stream, in, batch, 0, batch.outputs(), columns, out);
  }

  private DeviceMemory allocate(Device device, int rows, int columns) {
    DeviceMemory memory = device.allocate((long) rows * columns * elementBytes);
    owned.add(memory);
    return memory;
  }
}
