package dev.kappa.model;

import dev.kappa.device.DType;
import dev.kappa.device.Dequantizer;
import dev.kappa.device.Device;
import dev.kappa.device.DeviceMemory;
import dev.kappa.device.Encoding;
import dev.kappa.device.Experts;
import dev.kappa.device.MatrixSource;
import dev.kappa.device.RopeStore;
import dev.kappa.device.Weight;
import dev.kappa.model.Architecture.Trait;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
  private final Map<RopeConfig, DeviceMemory> ropeTables = new HashMap<>();

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
              architecture.has(TensorRole.QUERY_KEY_VALUE)
                  ? matrix(layer, TensorRole.QUERY_KEY_VALUE)
                  : matrix(layer, TensorRole.QUERY, TensorRole.KEY, TensorRole.VALUE),
              rope(layer, positions),
              matrix(layer, TensorRole.ATTENTION_OUTPUT),
              optionalVector(layer, TensorRole.POST_ATTENTION_NORM),
              vector(layer, TensorRole.FEED_FORWARD_NORM),
              config.isSparse(layer) ? sparse(layer) : dense(layer),
              optionalVector(layer, TensorRole.POST_FEED_FORWARD_NORM)));
    }
    DeviceMemory finalNorm = vector(0, TensorRole.FINAL_NORM);
    Weight head = config.tiedEmbeddings() ? embedding : matrix(0, TensorRole.LM_HEAD);
    return new TransformerWeights(embedding, layers, finalNorm, head, this::release);
  }

  private RopeStore rope(int layer, int positions) {
    return new RopeStore(
        config.attention().shape(layer),
        ropeTables.computeIfAbsent(
            config.attention().rope(layer), rope -> ropeTable(rope, positions)),
        config.attention().rotaryDim(),
        architecture.has(TensorRole.QUERY_BIAS)
            ? vector(layer, TensorRole.QUERY_BIAS, TensorRole.KEY_BIAS, TensorRole.VALUE_BIAS)
            : null,
        optionalVector(layer, TensorRole.QUERY_NORM),
        optionalVector(layer, TensorRole.KEY_NORM),
        config.normEpsilon());
  }

  private TransformerWeights.FeedForward dense(int layer) {
    Weight gateUp =
        architecture.has(TensorRole.GATE_UP)
            ? matrix(layer, TensorRole.GATE_UP)
            : matrix(layer, TensorRole.GATE, TensorRole.UP);
    return new TransformerWeights.Dense(gateUp, matrix(layer, TensorRole.DOWN));
  }

  private TransformerWeights.FeedForward sparse(int layer) {
    Mixture mixture = config.mixture();
    return new TransformerWeights.Sparse(
        matrix(layer, TensorRole.ROUTER),
        new Experts(
            mixture.router(),
            matrices(layer, mixture.experts(), TensorRole.EXPERT_GATE, TensorRole.EXPERT_UP),
            matrices(layer, mixture.experts(), TensorRole.EXPERT_DOWN),
            config.activation()));
  }

  private Weight matrix(int layer, TensorRole... roles) {
    return matrices(layer, 1, roles);
  }

  /** Loads a matrix for each expert, each of tensors of equal width, stacked. */
  private Weight matrices(int layer, int experts, TensorRole... roles) {
    try (Arena arena = Arena.ofShared()) {
      List<Checkpoint.Tensor> tensors = tensors(layer, experts, arena, roles);
      List<MatrixSource.Range> ranges =
          tensors.subList(0, roles.length).stream()
              .map(tensor ->
                  new MatrixSource.Range(
                      tensor.encoding(), Math.toIntExact(tensor.shape().getFirst())))
              .toList();
      Weight weight =
          device.loadWeight(
              new MatrixSource(
                  experts,
                  Math.toIntExact(tensors.getFirst().shape().getLast()),
                  ranges,
                  () ->
                      tensors.stream()
                          .map(tensor -> new MatrixSource.Part(tensor.encoding(), tensor.data()))
                          .toList()));
      owned.push(weight);
      tensors.forEach(tensor -> loadedBytes.accept(tensor.bytes()));
      return weight;
    }
  }

  /** Tensors that are loaded as one; the experts' are of the first one's types. */
  private List<Checkpoint.Tensor> tensors(
      int layer, int experts, Arena arena, TensorRole... roles) {
    List<Checkpoint.Tensor> tensors = new ArrayList<>();
    for (int expert = 0; expert < experts; expert++) {
      for (int i = 0; i < roles.length; i++) {
        TensorSpec spec = architecture.tensor(roles[i], layer, expert, config);
        Checkpoint.Tensor tensor = checkpoint.tensor(spec, arena);
        tensors.add(tensor);
        refuseOtherThan(tensors.get(i), tensor);
      }
    }
    return tensors;
  }

  private static void refuseOtherThan(Checkpoint.Tensor first, Checkpoint.Tensor tensor) {
    if (tensor.encoding() != first.encoding()) {
      throw new ModelException(
          "%s: tensor %s is %s, but %s, which it is used with, is %s"
              .formatted(
                  tensor.source(),
                  tensor.name(),
                  tensor.encoding(),
                  first.name(),
                  first.encoding()));
    }
  }

  /** Vectors that are loaded as one, of one type. */
  private List<Checkpoint.Tensor> vectors(int layer, Arena arena, TensorRole... roles) {
    List<Checkpoint.Tensor> tensors = tensors(layer, 1, arena, roles);
    for (Checkpoint.Tensor tensor : tensors) {
      if (!tensor.encoding().isPlain()) {
        throw new ModelException(
            "%s: tensor %s is %s; expected a vector of F32, F16 or BF16"
                .formatted(tensor.source(), tensor.name(), tensor.encoding()));
      }
      refuseOtherThan(tensors.getFirst(), tensor);
    }
    return tensors;
  }

  /** Loads vectors one behind the other. */
  private DeviceMemory vector(int layer, TensorRole... roles) {
    try (Arena arena = Arena.ofShared()) {
      List<Checkpoint.Tensor> tensors = vectors(layer, arena, roles);
      DType dtype = tensors.getFirst().encoding().dtype();
      long bytes = tensors.stream().mapToLong(Checkpoint.Tensor::bytes).sum();
      MemorySegment all = arena.allocate(bytes, Long.BYTES);
      long at = 0;
      for (Checkpoint.Tensor tensor : tensors) {
        MemorySegment.copy(tensor.data(), 0, all, at, tensor.bytes());
        at += tensor.bytes();
      }
      if (roles[0].isNorm() && architecture.has(Trait.NORMS_LESS_ONE)) {
        all = plusOne(all, dtype, arena);
        dtype = DType.F32;
      }
      DeviceMemory vector = device.loadVector(dtype, all);
      owned.push(vector);
      loadedBytes.accept(bytes);
      return vector;
    }
  }

  /** The sums that a norm is multiplied with, in 32 bits. */
  private static MemorySegment plusOne(MemorySegment vector, DType dtype, Arena arena) {
    float[] values = new float[Math.toIntExact(vector.byteSize() / dtype.bytes())];
    Dequantizer.toFloats(Encoding.of(dtype), vector, 0, values.length, values);
    MemorySegment sums = arena.allocate((long) values.length * Float.BYTES, Long.BYTES);
    for (int i = 0; i < values.length; i++) {
      sums.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1 + values[i]);
    }
    return sums;
  }

  private @Nullable DeviceMemory optionalVector(int layer, TensorRole role) {
    return architecture.has(role) ? vector(layer, role) : null;
  }

  private DeviceMemory ropeTable(RopeConfig rope, int positions) {
    int dim = config.attention().rotaryDim();
    try (Arena arena = Arena.ofShared()) {
      MemorySegment table = arena.allocate(RopeTable.bytes(positions, dim), 64);
      RopeTable.write(rope, positions, dim, table);
      DeviceMemory loaded = device.loadVector(DType.F32, table);
      owned.push(loaded);
      return loaded;
    }
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
