package dev.kappa.model;

import dev.kappa.device.Encoding;
import dev.kappa.gguf.GgmlType;
import dev.kappa.gguf.GgufException;
import dev.kappa.gguf.GgufFile;
import dev.kappa.gguf.GgufMetadata;
import dev.kappa.gguf.GgufTensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A GGUF file as a model: its configuration, and which of its tensors is which. Immutable, valid as
 * long as the arena that it was mapped in.
 *
 * @param config what the metadata describe
 * @param specs the tensors that such a model has, by the names that its {@link Architecture} has
 *     for them
 */
record GgufModel(Path path, GgufFile file, ModelConfig config, Map<String, TensorSpec> specs) {

  /** Factors on rotation, which {@link GgufConfigReader} reads. */
  static final String ROPE_FACTORS = "rope_freqs.weight";

  static final String EMBEDDING = "token_embd.weight";
  static final String HEAD = "output.weight";

  private static final String LAYER = "blk.%d.";
  private static final String TOKENIZER = "tokenizer.ggml.";
  private static final String SAMPLING = "general.sampling.";

  /**
   * Maps a file and checks its header.
   *
   * @throws ModelException if it is not valid or describes a model that is not supported
   */
  static GgufModel map(Path path, Arena arena) {
    try {
      GgufFile file = GgufFile.map(path, arena);
      ModelConfig config = new GgufConfigReader(file).read();
      return new GgufModel(path, file, config, specs(path, file, config));
    } catch (GgufException e) {
      throw new ModelException(String.valueOf(e.getMessage()), e);
    }
  }

  private static Map<String, TensorSpec> specs(Path path, GgufFile file, ModelConfig config) {
    Set<String> left = new LinkedHashSet<>(file.tensors().keySet());
    left.remove(ROPE_FACTORS);
    Map<String, TensorSpec> specs = new LinkedHashMap<>();
    for (TensorSpec spec : Architecture.of(config).tensors(config)) {
      specs.put(spec.name(), spec);
      GgufTensor tensor = file.tensors().get(name(spec));
      if (tensor != null) {
        // Refuses a type that nothing computes with.
        var _ = encoding(path, tensor);
        left.remove(tensor.name());
      }
    }
    if (!left.isEmpty()) {
      throw new ModelException(
          "%s: tensor %s is not part of a %s as Kappa computes it"
              .formatted(path, left.iterator().next(), config.architecture()));
    }
    return Collections.unmodifiableMap(specs);
  }

  /** A tensor by its architecture's name, or null if the file does not have it. */
  @Nullable GgufTensor tensor(String name) {
    TensorSpec spec = specs.get(name);
    return spec == null ? null : file.tensors().get(name(spec));
  }

  /**
   * Heads whose rows the file has in another order, element i of the first half before element i of
   * the second: the converter's for "llama", where rotation takes neighbours. 0 where rows are as
   * in every other checkpoint.
   */
  int interleavedHeads(String name) {
    TensorSpec spec = specs.get(name);
    if (spec == null || !config.architecture().equals(Architectures.LLAMA.name())) {
      return 0;
    }
    return switch (spec.role()) {
      case QUERY -> config.heads();
      case KEY -> config.kvHeads();
      default -> 0;
    };
  }

  /** What a tensor is called in GGUF files, whatever the architecture. */
  static String name(TensorSpec spec) {
    String name =
        switch (spec.role()) {
          case EMBEDDING -> EMBEDDING;
          case ATTENTION_NORM -> "attn_norm.weight";
          case QUERY -> "attn_q.weight";
          case KEY -> "attn_k.weight";
          case VALUE -> "attn_v.weight";
          case QUERY_BIAS -> "attn_q.bias";
          case KEY_BIAS -> "attn_k.bias";
          case VALUE_BIAS -> "attn_v.bias";
          case QUERY_NORM -> "attn_q_norm.weight";
          case KEY_NORM -> "attn_k_norm.weight";
          case ATTENTION_OUTPUT -> "attn_output.weight";
          case FEED_FORWARD_NORM -> "ffn_norm.weight";
          case GATE -> "ffn_gate.weight";
          case UP -> "ffn_up.weight";
          case DOWN -> "ffn_down.weight";
          case FINAL_NORM -> "output_norm.weight";
          case LM_HEAD -> HEAD;
          default -> throw new IllegalArgumentException("no GGUF name for " + spec.role());
        };
    return spec.role().perLayer() ? LAYER.formatted(spec.layer()) + name : name;
  }

  /** How a tensor's elements are stored. */
  static Encoding encoding(Path path, GgufTensor tensor) {
    @Nullable Encoding encoding = encoding(tensor.type());
    if (encoding == null) {
      throw new ModelException(
          "%s: tensor %s is of type %s; expected F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K"
              .formatted(path, tensor.name(), tensor.type()));
    }
    return encoding;
  }

  static @Nullable Encoding encoding(GgmlType type) {
    return switch (type) {
      case F32 -> Encoding.F32;
      case F16 -> Encoding.F16;
      case BF16 -> Encoding.BF16;
      case Q8_0 -> Encoding.Q8_0;
      case Q4_0 -> Encoding.Q4_0;
      case Q4_K -> Encoding.Q4_K;
      case Q6_K -> Encoding.Q6_K;
      default -> null;
    };
  }

  /** The sizes of all tensors that the model needs and the file has. */
  WeightSizes sizes() {
    Map<Encoding, Long> elements = new EnumMap<>(Encoding.class);
    for (String name : specs.keySet()) {
      GgufTensor tensor = tensor(name);
      if (tensor == null) {
        continue;
      }
      long count = tensor.shape().stream().reduce(1L, Math::multiplyExact);
      elements.merge(encoding(path, tensor), count, Math::addExact);
    }
    return new WeightSizes(elements);
  }

  /** What the metadata recommend; whatever else ends a turn ends a generation as well. */
  GenerationDefaults generation() {
    GgufMetadata metadata = file.metadata();
    try {
      List<Integer> ends = new ArrayList<>();
      for (String key : List.of("eos_token_id", "eot_token_id", "eom_token_id")) {
        Integer token = token(key);
        if (token != null && !ends.contains(token)) {
          ends.add(token);
        }
      }
      return new GenerationDefaults(
          ends,
          token("bos_token_id"),
          null,
          number("temp"),
          metadata.integerOrNull(SAMPLING + "top_k", -1, Integer.MAX_VALUE),
          number("top_p"),
          number("min_p"),
          number("penalty_repeat"),
          null);
    } catch (GgufException e) {
      throw new ModelException(String.valueOf(e.getMessage()), e);
    }
  }

  private @Nullable Integer token(String key) {
    return file.metadata().integerOrNull(TOKENIZER + key, 0, Integer.MAX_VALUE);
  }

  private @Nullable Double number(String key) {
    String whole = SAMPLING + key;
    return file.metadata().has(whole) ? (Double) file.metadata().number(whole, 0, 0) : null;
  }

  /** Whether a file's metadata have a tokenizer. */
  boolean hasTokenizer() {
    return file.metadata().has(TOKENIZER + "model");
  }
}
