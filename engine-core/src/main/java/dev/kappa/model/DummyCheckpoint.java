package dev.kappa.model;

import dev.kappa.device.DType;
import dev.kappa.device.Encoding;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Random weights in a model's shapes, for measuring without a checkpoint. A tensor's elements
 * depend on the seed and its name alone. Matrices have a variance of 1 / columns, so that
 * activations and logits neither vanish nor overflow; norm weights lie around 1, or around 0 where
 * checkpoints keep them less one, and so do biases.
 *
 * <p>A tensor's data are made in the caller's arena, anew whenever they are asked for; nothing is
 * kept. Thread-safe.
 */
public final class DummyCheckpoint implements Checkpoint {

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Distinct values in a tensor; as wide as the random bits that choose one. */
  private static final int VALUE_BITS = 12;

  private static final int VALUE_MASK = (1 << VALUE_BITS) - 1;

  /** Four elements are made from one random word. */
  private static final int GROUP = 4;

  private static final long GROUPS_PER_PART = 1 << 18;

  private static final double VECTOR_DEVIATION = 0.05;

  /** Increment and mixing of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private final ModelConfig config;
  private final Architecture architecture;
  private final long seed;
  private final Map<String, TensorSpec> specs;

  public DummyCheckpoint(ModelConfig config, long seed) {
    this.config = config;
    this.architecture = Architecture.of(config);
    this.seed = seed;
    specs = new LinkedHashMap<>();
    for (TensorSpec spec : architecture.tensors(config)) {
      specs.put(spec.name(), spec);
    }
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(specs.keySet());
  }

  @Override
  public Tensor tensor(String name, Arena arena) {
    TensorSpec spec = specs.get(name);
    if (spec == null) {
      throw new ModelException(
          "dummy weights: a %s has no tensor %s".formatted(config.architecture(), name));
    }
    return new Tensor(
        name,
        Encoding.of(config.dtype()),
        spec.shape(),
        "dummy weights",
        () -> generate(spec, arena));
  }

  private MemorySegment generate(TensorSpec spec, Arena arena) {
    DType dtype = config.dtype();
    long elements = spec.elements();
    long groups = Math.ceilDiv(elements, (long) GROUP);
    MemorySegment padded = arena.allocate(groups * GROUP * dtype.bytes(), Long.BYTES);
    long[] values = values(spec, dtype);
    long key = key(spec.name());
    ParallelFill.Part part =
        dtype == DType.F32
            ? (target, from, to) -> fill32(target, from, to, values, key)
            : (target, from, to) -> fill16(target, from, to, values, key);
    ParallelFill.run(padded, groups, GROUPS_PER_PART, part);
    return padded.asSlice(0, elements * dtype.bytes()).asReadOnly();
  }

  @Override
  public String fingerprint() {
    String text = "dummy weights 1, seed %d, %s".formatted(seed, config);
    byte[] hash = FileHashes.sha256().digest(text.getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(hash);
  }

  @Override
  public void close() {}

  private static void fill16(MemorySegment target, long from, long to, long[] values, long key) {
    for (long group = from; group < to; group++) {
      long bits = mix(key + group * GAMMA);
      long word =
          value(values, bits, 0)
              | value(values, bits, 1) << 16
              | value(values, bits, 2) << 32
              | value(values, bits, 3) << 48;
      target.setAtIndex(LONG, group, word);
    }
  }

  private static void fill32(MemorySegment target, long from, long to, long[] values, long key) {
    for (long group = from; group < to; group++) {
      long bits = mix(key + group * GAMMA);
      target.setAtIndex(LONG, 2 * group, value(values, bits, 0) | value(values, bits, 1) << 32);
      target.setAtIndex(LONG, 2 * group + 1, value(values, bits, 2) | value(values, bits, 3) << 32);
    }
  }

  private static long value(long[] values, long bits, int index) {
    return values[(int) (bits >>> (index * VALUE_BITS)) & VALUE_MASK];
  }

  /** Evenly spaced values of the tensor's mean and deviation, as bits of its element type. */
  private long[] values(TensorSpec spec, DType dtype) {
    boolean vector = spec.shape().size() == 1;
    boolean lessOne = architecture.has(Architecture.Trait.NORMS_LESS_ONE);
    double mean = spec.role().isNorm() && !lessOne ? 1 : 0;
    double deviation = vector ? VECTOR_DEVIATION : 1 / Math.sqrt(spec.shape().getLast());
    double halfRange = Math.sqrt(3) * deviation;
    long[] values = new long[VALUE_MASK + 1];
    for (int i = 0; i < values.length; i++) {
      double fraction = (i + 0.5) / values.length;
      values[i] = bits((float) (mean + halfRange * (2 * fraction - 1)), dtype);
    }
    return values;
  }

  private static long bits(float value, DType dtype) {
    return switch (dtype) {
      case F32 -> Integer.toUnsignedLong(Float.floatToRawIntBits(value));
      case F16 -> Short.toUnsignedLong(Float.floatToFloat16(value));
      // Values are finite, so adding half a unit rounds to nearest; ties do not matter here.
      case BF16 -> Integer.toUnsignedLong(Float.floatToRawIntBits(value) + 0x8000) >>> 16;
    };
  }

  private long key(String name) {
    long key = mix(seed + GAMMA);
    for (int i = 0; i < name.length(); i++) {
      key = mix(key + name.charAt(i) + GAMMA);
    }
    return key;
  }

  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
