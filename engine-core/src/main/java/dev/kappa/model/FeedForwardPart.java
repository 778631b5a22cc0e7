package dev.kappa.model;

import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Kernels;
import dev.kappa.device.Stream;
import dev.kappa.model.TransformerWeights.Dense;
import dev.kappa.model.TransformerWeights.FeedForward;
import dev.kappa.model.TransformerWeights.Sparse;

/**
 * The feed-forward parts of all layers, dense ones and mixtures of experts. Owns their activations,
 * not the weights. Not thread-safe; one step is in flight at a time.
 */
final class FeedForwardPart implements AutoCloseable {

  /**
   * Bytes of activations: of dense layers {@code [rows][2 · intermediate]} and {@code
   * [rows][intermediate]}; of experts {@code float[rows][experts]}, choices, and what else the
   * device needs. Layers take turns, so the two share their memory.
   */
  private record Sizes(long gateUp, long gated, long scores, long choices, long scratch) {

    static Sizes of(ModelConfig config, Device device, int rows) {
      long gated = (long) rows * config.intermediateSize() * activationBytes(device);
      Mixture mixture = config.experts();
      if (mixture == null) {
        return new Sizes(2 * gated, gated, 0, 0, 0);
      }
      long dense = mixture.denseLayers().isEmpty() ? 0 : gated;
      long scratch =
          device
              .kernels()
              .expertScratchBytes(mixture.router(), config.hiddenSize(), mixture.width(), rows);
      return new Sizes(
          2 * dense,
          dense,
          (long) rows * mixture.experts() * Float.BYTES,
          mixture.router().choiceBytes(rows),
          scratch);
    }

    private static int activationBytes(Device device) {
      return device.info().activationType().bytes();
    }

    long dense() {
      return aligned(gateUp) + aligned(gated);
    }

    long sparse() {
      return aligned(scores) + aligned(choices) + aligned(scratch);
    }

    long all() {
      return Math.max(dense(), sparse());
    }

    private static long aligned(long bytes) {
      return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }
  }

  /** Of device memory, and so of its parts. */
  private static final long ALIGNMENT = 64;

  private final ModelConfig config;
  private final Kernels kernels;
  private final DeviceMemory memory;
  private final DeviceMemory gateUp;
  private final DeviceMemory gated;
  private final DeviceMemory scores;
  private final DeviceMemory choices;
  private final DeviceMemory scratch;

  /**
   * @param maxRows most rows of a call
   * @throws dev.kappa.device.DeviceException if the activations do not fit
   */
  FeedForwardPart(ModelConfig config, Device device, int maxRows) {
    this.config = config;
    kernels = device.kernels();
    Sizes sizes = Sizes.of(config, device, maxRows);
    memory = device.allocate(sizes.all());
    gateUp = memory.slice(0, sizes.gateUp);
    gated = memory.slice(Sizes.aligned(sizes.gateUp), sizes.gated);
    scores = memory.slice(0, sizes.scores);
    choices = memory.slice(Sizes.aligned(sizes.scores), sizes.choices);
    scratch = memory.slice(sizes.sparse() - Sizes.aligned(sizes.scratch), sizes.scratch);
  }

  /** Device bytes of the activations for so many rows. */
  static long bytes(ModelConfig config, Device device, int maxRows) {
    return Sizes.of(config, device, maxRows).all();
  }

  /**
   * Puts a layer's part on the stream.
   *
   * @param in {@code [rows][hidden]}
   * @param out {@code [rows][hidden]}
   */
  void run(Stream stream, FeedForward part, DeviceMemory in, int rows, DeviceMemory out) {
    switch (part) {
      case Dense(var gateUpWeight, var down) -> {
        kernels.matmul(stream, in, rows, gateUpWeight, gateUp);
        kernels.gate(stream, config.activation(), gateUp, rows, config.intermediateSize(), gated);
        kernels.matmul(stream, gated, rows, down, out);
      }
      case Sparse(var router, var experts) -> {
        kernels.logits(stream, in, rows, router, scores);
        kernels.route(stream, scores, rows, experts.router(), choices);
        kernels.experts(stream, in, rows, experts, choices, scratch, out);
      }
    }
  }

  /** Frees the activations; the stream must be idle. */
  @Override
  public void close() {
    memory.close();
  }
}
