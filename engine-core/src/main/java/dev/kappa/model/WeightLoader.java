package dev.kappa.model;

import dev.kappa.device.DType;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.MatrixSource;
import dev.kappa.device.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Brings a checkpoint's tensors to a device, fused as the forward pass wants them. One use each;
 * not thread-safe.
 */
public final class WeightLoader {

  private final ModelConfig config;
  private final Architecture architecture;
  private final Checkpoint checkpoint;
  private final Device device;
  private final LongConsumer loadedBytes;
  private final Deque<AutoCloseable> owned = new ArrayDeque<>();

  private WeightLoader(
      ModelConfig config, Checkpoint checkpoint, Device device, LongConsumer loadedBytes) {
    this.config = config;
    this.architecture = Architecture.of(config);
    this.checkpoint = checkpoint;
    this.device = device;
    this.loadedBytes = loadedBytes;
  }

  /**
   * Loads a whole model.
   *
   * @param positions positions that the rotation table covers
   * @param loadedBytes told the size of each tensor once it is on the device
   * @throws ModelException if a tensor is missing or has another shape or type than expected
   * @throws dev.kappa.device.DeviceException if they do not fit; nothing is held then
   */
  public static TransformerWeights load(
      ModelConfig config,
      Checkpoint checkpoint,
      Device device,
      int positions,
      LongConsumer loadedBytes) {
    WeightLoader loader = new WeightLoader(config, checkpoint, device, loadedBytes);
    boolean done = false;
    try {
      TransformerWeights weights = loader.loadAll(positions);
      done = true;
      return weights;
    } finally {
      if (!done) {
        loader.release();
      }
    }
  }

  private TransformerWeights loadAll(int positions) {
    Weight embedding = matrix(0, TensorRole.EMBEDDING);
    List<TransformerWeights.Layer> layers = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      layers.add(
          new TransformerWeights.Layer(
              vector(layer, TensorRole.ATTENTION_NORM),
              matrix(layer, TensorRole.QUERY, TensorRole.KEY, TensorRole.VALUE),
              optionalVector(layer, TensorRole.QUERY_NORM),
              optionalVector(layer, TensorRole.KEY_NORM),
              matrix(layer, TensorRole.ATTENTION_OUTPUT),
              vector(layer, TensorRole.FEED_FORWARD_NORM),
              matrix(layer, TensorRole.GATE, TensorRole.UP),
              matrix(layer, TensorRole.DOWN)));
    }
    DeviceMemory finalNorm = vector(0, TensorRole.FINAL_NORM);
    Weight head = config.tiedEmbeddings() ? embedding : matrix(0, TensorRole.LM_HEAD);
    return new TransformerWeights(
        embedding, layers, finalNorm, head, ropeTable(positions), this::release);
  }

  /** Loads tensors of equal width as one matrix, stacked. */
  private Weight matrix(int layer, TensorRole... roles) {
    try (Arena arena = Arena.ofShared()) {
      List<Checkpoint.Tensor> tensors = new ArrayList<>();
      long bytes = 0;
      long rows = 0;
      for (TensorRole role : roles) {
        Checkpoint.Tensor tensor = tensor(role, layer, arena);
        tensors.add(tensor);
        Checkpoint.Tensor first = tensors.getFirst();
        if (tensor.dtype() != first.dtype()) {
          throw new ModelException(
              "%s: tensor %s is %s, but %s, which it is multiplied with, is %s"
                  .formatted(
                      tensor.source(), tensor.name(), tensor.dtype(), first.name(), first.dtype()));
        }
        bytes += tensor.bytes();
        rows += tensor.shape().getFirst();
      }
      Checkpoint.Tensor first = tensors.getFirst();
      Weight weight =
          device.loadWeight(
              new MatrixSource(
                  first.dtype(),
                  Math.toIntExact(rows),
                  Math.toIntExact(first.shape().getLast()),
                  () -> tensors.stream().map(Checkpoint.Tensor::data).toList()));
      owned.push(weight);
      loadedBytes.accept(bytes);
      return weight;
    }
  }

  private DeviceMemory vector(int layer, TensorRole role) {
    try (Arena arena = Arena.ofShared()) {
      Checkpoint.Tensor tensor = tensor(role, layer, arena);
      DeviceMemory vector = device.loadVector(tensor.dtype(), tensor.data());
      owned.push(vector);
      loadedBytes.accept(tensor.bytes());
      return vector;
    }
  }

  private @Nullable DeviceMemory optionalVector(int layer, TensorRole role) {
    return architecture.has(role) ? vector(layer, role) : null;
  }

  private DeviceMemory ropeTable(int positions) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment table = arena.allocate(RopeTable.bytes(positions, config.headDim()), 64);
      RopeTable.write(config.rope(), positions, config.headDim(), table);
      DeviceMemory loaded = device.loadVector(DType.F32, table);
      owned.push(loaded);
      return loaded;
    }
  }

  private Checkpoint.Tensor tensor(TensorRole role, int layer, Arena arena) {
    return checkpoint.tensor(architecture.tensor(role, layer, config), arena);
  }

  private void release() {
    while (!owned.isEmpty()) {
      switch (owned.pop()) {
        case Weight weight -> weight.close();
        case DeviceMemory memory -> memory.close();
        default -> throw new IllegalStateException("neither weight nor memory");
      }
    }
  }
}
