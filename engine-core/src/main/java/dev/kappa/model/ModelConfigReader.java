package dev.kappa.model;

import dev.kappa.device.DType;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code config.json}, with the defaults that Hugging Face transformers has, and refuses
 * whatever would be computed wrongly.
 */
final class ModelConfigReader {

  // Bounds that no model comes near; within them, products of two sizes fit into 64 bits and
  // heads · headDim into 32.
  private static final int MAX_LAYERS = 1 << 14;
  private static final int MAX_HEADS = 1 << 14;
  private static final int MAX_HEAD_DIM = 1 << 14;
  private static final int MAX_WIDTH = 1 << 26;

  private final JsonObject json;

  private ModelConfigReader(JsonObject json) {
    this.json = json;
  }

  /**
   * Reads a model's configuration.
   *
   * @throws ModelException if it cannot be read, is incomplete or describes an unsupported model
   */
  static ModelConfig read(Path file) {
    return read(JsonObject.read(file));
  }

  static ModelConfig read(JsonObject json) {
    return new ModelConfigReader(json).read();
  }

  private ModelConfig read() {
    Architecture architecture = architecture();
    int hidden = json.integer("hidden_size", 1, MAX_WIDTH);
    int layers = json.integer("num_hidden_layers", 1, MAX_LAYERS);
    int heads = json.integer("num_attention_heads", 1, MAX_HEADS);
    int kvHeads = json.integer("num_key_value_heads", 1, MAX_HEADS, heads);
    if (heads % kvHeads != 0) {
      throw json.wrong("num_key_value_heads", "a divisor of num_attention_heads = " + heads);
    }
    int positions = json.integer("max_position_embeddings", 1, Integer.MAX_VALUE);
    refuseUnsupported(layers);
    return new ModelConfig(
        architecture.name(),
        hidden,
        json.integer("intermediate_size", 1, MAX_WIDTH),
        layers,
        heads,
        kvHeads,
        headDim(architecture, hidden, heads),
        json.integer("vocab_size", 1, MAX_WIDTH),
        positions,
        (float) json.number("rms_norm_eps", 0, 1e-6),
        RopeConfigReader.read(json, positions),
        architecture.has(TensorRole.QUERY_NORM),
        json.flag("tie_word_embeddings", false),
        dtype());
  }

  private Architecture architecture() {
    List<String> names = json.texts("architectures");
    for (Architecture candidate : Architecture.all()) {
      if (!names.isEmpty() && candidate.name().equals(names.getFirst())) {
        return candidate;
      }
    }
    String expected =
        Architecture.all().stream()
            .map(Architecture::name)
            .collect(Collectors.joining(", ", "one of [", "]"));
    throw names.isEmpty()
        ? json.missing("architectures", expected)
        : json.wrong("architectures", expected);
  }

  private int headDim(Architecture architecture, int hidden, int heads) {
    int fallback =
        architecture.defaultHeadDim() > 0 ? architecture.defaultHeadDim() : hidden / heads;
    if (!json.has("head_dim") && architecture.defaultHeadDim() == 0 && hidden % heads != 0) {
      throw json.wrong("hidden_size", "a multiple of num_attention_heads = " + heads);
    }
    int headDim = json.integer("head_dim", 2, MAX_HEAD_DIM, fallback);
    if (headDim % 2 != 0 || headDim > MAX_HEAD_DIM || headDim < 2) {
      String found = json.has("head_dim") ? "head_dim" : "hidden_size";
      throw json.wrong(found, "an even number of elements per head up to " + MAX_HEAD_DIM);
    }
    return headDim;
  }

  private DType dtype() {
    String key = json.has("dtype") ? "dtype" : "torch_dtype";
    String name = json.text(key, "float32").toLowerCase(Locale.ROOT).replace("torch.", "");
    return switch (name) {
      case "float32", "float" -> DType.F32;
      case "bfloat16" -> DType.BF16;
      case "float16", "half" -> DType.F16;
      default -> throw json.wrong(key, "float32, bfloat16 or float16");
    };
  }

  private void refuseUnsupported(int layers) {
    for (String key : List.of("quantization_config", "compression_config")) {
      JsonObject quantized = json.object(key);
      if (quantized != null) {
        throw new ModelException(
            "%s: \"%s\" names the quantization \"%s\", but quantized weights (fp8, GPTQ, AWQ, ...)"
                    .formatted(json.file(), key, quantized.text("quant_method", "unknown"))
                + " are not supported; expected a model in float32, bfloat16 or float16");
      }
    }
    for (String key : List.of("attention_bias", "mlp_bias")) {
      if (json.flag(key, false)) {
        throw json.wrong(key, "false: biases are not supported");
      }
    }
    if (!json.text("hidden_act", "silu").equals("silu")) {
      throw json.wrong("hidden_act", "\"silu\", the only activation supported");
    }
    if (json.integer("pretraining_tp", 0, Integer.MAX_VALUE, 1) > 1) {
      throw json.wrong("pretraining_tp", "1: sliced matrices are not supported");
    }
    refuseSlidingWindow(layers);
  }

  private void refuseSlidingWindow(int layers) {
    List<String> types = json.texts("layer_types");
    if (types.stream().anyMatch(type -> !type.equals("full_attention"))) {
      throw json.wrong("layer_types", "\"full_attention\" for every layer");
    }
    boolean windowed =
        json.flag("use_sliding_window", false)
            && json.has("sliding_window")
            && json.integer("max_window_layers", 0, Integer.MAX_VALUE, 0) < layers;
    if (types.isEmpty() && windowed) {
      throw json.wrong("use_sliding_window", "false: sliding windows are not supported");
    }
  }

  /**
   * Reads what the authors recommend for generation; the tokens that begin and end a text are
   * looked for in {@code generation_config.json} first, then in {@code config.json}.
   *
   * @param generation null if there is no such file
   */
  static GenerationDefaults generation(JsonObject config, @Nullable JsonObject generation) {
    JsonObject eos = generation != null && generation.has("eos_token_id") ? generation : config;
    JsonObject bos = generation != null && generation.has("bos_token_id") ? generation : config;
    List<Integer> eosTokens = eos.integers("eos_token_id", 0, Integer.MAX_VALUE);
    Integer bosToken = bos.integerOrNull("bos_token_id", 0, Integer.MAX_VALUE);
    if (generation == null) {
      return new GenerationDefaults(eosTokens, bosToken, null, null, null, null, null, null, null);
    }
    return new GenerationDefaults(
        eosTokens,
        bosToken,
        generation.flagOrNull("do_sample"),
        generation.numberOrNull("temperature", 0),
        generation.integerOrNull("top_k", 0, Integer.MAX_VALUE),
        generation.numberOrNull("top_p", 0),
        generation.numberOrNull("min_p", 0),
        generation.numberOrNull("repetition_penalty", 0),
        generation.integerOrNull("max_new_tokens", 1, Integer.MAX_VALUE));
  }
}
