package dev.kappa.model;

import dev.kappa.device.DType;
import dev.kappa.device.Encoding;
import dev.kappa.gguf.GgufFile;
import dev.kappa.gguf.GgufMetadata;
import dev.kappa.gguf.GgufTensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Reads a model's configuration from the metadata of a GGUF file, with llama.cpp's defaults, and
 * refuses whatever would be computed wrongly. Throws {@link dev.kappa.gguf.GgufException}.
 */
final class GgufConfigReader {

  private static final Map<String, Architecture> ARCHITECTURES =
      Map.of(
          "llama", Architectures.LLAMA,
          "qwen2", Architectures.QWEN2,
          "qwen3", Architectures.QWEN3);

  /** Settings that change what a model computes, and that these architectures do not have. */
  private static final List<String> UNSUPPORTED =
      List.of(
          "attention.clamp_kqv",
          "attention.max_alibi_bias",
          "attention.scale",
          "attn_logit_softcapping",
          "embedding_scale",
          "final_logit_softcapping",
          "logit_scale",
          "residual_scale",
          "rope.dimension_sections",
          "use_parallel_residual");

  private static final double DEFAULT_THETA = 10_000;

  private final GgufFile file;
  private final GgufMetadata metadata;
  private final Architecture architecture;
  private final String prefix;

  GgufConfigReader(GgufFile file) {
    this.file = file;
    metadata = file.metadata();
    String key = "general.architecture";
    String name = metadata.text(key);
    Architecture known = name == null ? null : ARCHITECTURES.get(name);
    if (known == null) {
      throw metadata.wrong(key, "\"llama\", \"qwen2\" or \"qwen3\"");
    }
    architecture = known;
    prefix = name + ".";
  }

  ModelConfig read() {
    refuseUnsupported();
    int hidden = integer("embedding_length", ModelConfigReader.MAX_WIDTH);
    int positions = integer("context_length", Integer.MAX_VALUE);
    String epsilon = prefix + "attention.layer_norm_rms_epsilon";
    if (!metadata.has(epsilon)) {
      throw metadata.wrong(epsilon, "a number");
    }
    return new ModelConfig(
        architecture.name(),
        hidden,
        integer("feed_forward_length", ModelConfigReader.MAX_WIDTH),
        integer("block_count", ModelConfigReader.MAX_LAYERS),
        vocabularySize(),
        positions,
        (float) metadata.number(epsilon, 0, 0),
        attention(hidden, positions),
        !file.tensors().containsKey(GgufModel.HEAD),
        dtype());
  }

  private int integer(String name, int max) {
    return metadata.integer(prefix + name, 1, max);
  }

  /** Rows of the embedding, which may be more than there are tokens. */
  private int vocabularySize() {
    GgufTensor embedding = file.tensors().get(GgufModel.EMBEDDING);
    if (embedding == null || embedding.shape().getFirst() > ModelConfigReader.MAX_WIDTH) {
      throw metadata.wrong(
          GgufModel.EMBEDDING,
          "a tensor of at most %d rows".formatted(ModelConfigReader.MAX_WIDTH));
    }
    return embedding.shape().getFirst().intValue();
  }

  private AttentionConfig attention(int hidden, int positions) {
    int heads = integer("attention.head_count", AttentionConfigReader.MAX_HEADS);
    String kvKey = prefix + "attention.head_count_kv";
    int kvHeads = metadata.integer(kvKey, 1, AttentionConfigReader.MAX_HEADS, heads);
    if (heads % kvHeads != 0) {
      throw metadata.wrong(kvKey, "a divisor of the %d heads".formatted(heads));
    }
    String dimKey = prefix + "attention.key_length";
    if (!metadata.has(dimKey) && hidden % heads != 0) {
      throw metadata.wrong(
          prefix + "embedding_length", "a multiple of the %d heads".formatted(heads));
    }
    int headDim = metadata.integer(dimKey, 2, AttentionConfigReader.MAX_HEAD_DIM, hidden / heads);
    if (headDim % 2 != 0 || headDim < 2 || headDim > AttentionConfigReader.MAX_HEAD_DIM) {
      throw metadata.wrong(
          metadata.has(dimKey) ? dimKey : prefix + "embedding_length",
          "an even number of elements per head up to " + AttentionConfigReader.MAX_HEAD_DIM);
    }
    for (String name : List.of("attention.value_length", "rope.dimension_count")) {
      if (metadata.integer(prefix + name, 1, Integer.MAX_VALUE, headDim) != headDim) {
        throw metadata.wrong(prefix + name, "%d, as a head's keys have".formatted(headDim));
      }
    }
    double theta = metadata.number(prefix + "rope.freq_base", 1, DEFAULT_THETA);
    return new AttentionConfig(
        heads, kvHeads, headDim, new RopeConfig(theta, scaling(headDim, positions)));
  }

  private @Nullable RopeScaling scaling(int headDim, int positions) {
    String typeKey = prefix + "rope.scaling.type";
    String legacy = prefix + "rope.scale_linear";
    String factorKey = metadata.has(legacy) ? legacy : prefix + "rope.scaling.factor";
    String type =
        Objects.requireNonNullElse(
            metadata.text(typeKey), metadata.has(factorKey) ? "linear" : "none");
    double factor = metadata.number(factorKey, Float.MIN_NORMAL, 1);
    RopeScaling scaling =
        switch (type) {
          case "none" -> null;
          case "linear" -> factor == 1 ? null : new RopeScaling.Linear(factor);
          case "yarn" -> yarn(factor, positions);
          default -> throw metadata.wrong(typeKey, "\"none\", \"linear\" or \"yarn\"");
        };
    GgufTensor factors = file.tensors().get(GgufModel.ROPE_FACTORS);
    if (factors == null) {
      return scaling;
    }
    if (scaling != null) {
      throw metadata.wrong(
          metadata.has(typeKey) ? typeKey : factorKey,
          "\"none\" beside tensor " + GgufModel.ROPE_FACTORS);
    }
    return perFrequency(factors, headDim, positions);
  }

  /** As llama.cpp's {@code rope_yarn}, which is transformers' with a factor on the amplitude. */
  private RopeScaling yarn(double factor, int positions) {
    String name = prefix + "rope.scaling.";
    double fast = metadata.number(name + "yarn_beta_fast", Float.MIN_NORMAL, 32);
    double slow = metadata.number(name + "yarn_beta_slow", Float.MIN_NORMAL, 1);
    if (fast < slow) {
      throw metadata.wrong(name + "yarn_beta_fast", "at least the slow one, " + slow);
    }
    for (String unusual : List.of("yarn_log_multiplier", "yarn_ext_factor", "yarn_attn_factor")) {
      if (metadata.has(name + unusual)) {
        throw metadata.wrong(name + unusual, "none: only usual factors are supported");
      }
    }
    return new RopeScaling.Yarn(
        factor,
        metadata.integer(name + "original_context_length", 1, Integer.MAX_VALUE, positions),
        fast,
        slow,
        true,
        metadata.number(name + "attn_factor", 0, 1) * RopeConfigReader.magnitude(factor, 1));
  }

  /**
   * A factor for each frequency, as converters compute them for Llama 3.1: what LongRoPE does, with
   * the same factors for contexts of all lengths.
   */
  private RopeScaling perFrequency(GgufTensor tensor, int headDim, int positions) {
    if (!tensor.shape().equals(List.of(headDim / 2L))) {
      throw metadata.wrong(GgufModel.ROPE_FACTORS, "a tensor of %d numbers".formatted(headDim / 2));
    }
    List<Double> factors = new ArrayList<>();
    for (float factor : file.floats(tensor)) {
      if (!(factor >= Float.MIN_NORMAL && factor < Float.POSITIVE_INFINITY)) {
        throw metadata.wrong(
            GgufModel.ROPE_FACTORS, "positive numbers, of which %s is none".formatted(factor));
      }
      factors.add((double) factor);
    }
    return new RopeScaling.LongRope(factors, factors, positions, 1);
  }

  /**
   * The type of most elements; where they are quantized, that of most models before they were
   * converted. KV blocks get it.
   */
  private DType dtype() {
    Map<Encoding, Long> counts = new EnumMap<>(Encoding.class);
    for (GgufTensor tensor : file.tensors().values()) {
      Encoding encoding = GgufModel.encoding(tensor.type());
      if (encoding != null) {
        long count = tensor.shape().stream().reduce(1L, Math::multiplyExact);
        counts.merge(encoding, count, Math::addExact);
      }
    }
    return counts.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .filter(Encoding::isPlain)
        .map(Encoding::dtype)
        .orElse(DType.BF16);
  }

  private void refuseUnsupported() {
    String typeKey = "general.type";
    String type = metadata.text(typeKey);
    if (type != null && !type.equals("model")) {
      throw metadata.wrong(typeKey, "\"model\"");
    }
    String experts = prefix + "expert_count";
    if (metadata.integer(experts, 0, Integer.MAX_VALUE, 0) > 0) {
      throw metadata.wrong(experts, "0: mixtures of experts are not supported in GGUF files");
    }
    String causal = prefix + "attention.causal";
    if (!metadata.flag(causal, true)) {
      throw metadata.wrong(causal, "true: only causal attention is supported");
    }
    String window = prefix + "attention.sliding_window";
    int positions = integer("context_length", Integer.MAX_VALUE);
    int windowSize = metadata.integer(window, 0, Integer.MAX_VALUE, 0);
    if (windowSize > 0 && windowSize < positions) {
      throw metadata.wrong(window, "none that is shorter than the context of " + positions);
    }
    for (String name : UNSUPPORTED) {
      if (metadata.has(prefix + name)) {
        throw metadata.wrong(prefix + name, "none: this architecture does not have it");
      }
    }
  }
}
