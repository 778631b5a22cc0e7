package dev.kappa.model;

import dev.kappa.device.Activation;
import dev.kappa.device.DType;
import dev.kappa.device.Router;
import dev.kappa.model.Architecture.Trait;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code config.json}, with the defaults that Hugging Face transformers has, and refuses
 * whatever would be computed wrongly.
 */
final class ModelConfigReader {

  // Bounds that no model comes near; within them, products of two sizes fit into 64 bits.
  static final int MAX_LAYERS = 1 << 14;
  static final int MAX_WIDTH = 1 << 26;
  private static final int MAX_EXPERTS = 1 << 12;

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
    Architecture.Defaults defaults = architecture.defaults();
    int hidden = json.integer("hidden_size", 1, MAX_WIDTH);
    int layers = json.integer("num_hidden_layers", 1, MAX_LAYERS);
    int positions = json.integer("max_position_embeddings", 1, Integer.MAX_VALUE);
    refuseUnsupported();
    DType dtype = dtype();
    return new ModelConfig(
        architecture.name(),
        hidden,
        json.integer("intermediate_size", 1, MAX_WIDTH),
        layers,
        json.integer("vocab_size", 1, MAX_WIDTH),
        positions,
        (float) json.number("rms_norm_eps", 0, defaults.normEpsilon()),
        AttentionConfigReader.read(json, architecture, hidden, layers, positions),
        activation(architecture),
        architecture.has(Trait.EXPERTS) ? mixture(architecture, layers) : null,
        architecture.has(Trait.SCALED_EMBEDDING) ? rounded(Math.sqrt(hidden), dtype) : 1,
        logitSoftcap(architecture),
        json.flag("tie_word_embeddings", defaults.tied()),
        dtype);
  }

  private Activation activation(Architecture architecture) {
    boolean gelu = architecture.has(Trait.GELU_GATE);
    String key = gelu ? "hidden_activation" : "hidden_act";
    return switch (json.text(key, gelu ? "gelu_pytorch_tanh" : "silu")) {
      case "silu" -> Activation.SILU;
      case "gelu_pytorch_tanh" -> Activation.GELU_TANH;
      default ->
          throw json.wrong(key, "\"silu\" or \"gelu_pytorch_tanh\", the activations supported");
    };
  }

  private float logitSoftcap(Architecture architecture) {
    String key = "final_logit_softcapping";
    if (architecture.has(Trait.LOGIT_SOFTCAP)) {
      return AttentionConfigReader.softcap(json, key, architecture.defaults().logitSoftcap());
    }
    if (json.has(key)) {
      throw json.wrong(key, "null: this architecture does not bound logits");
    }
    return 0;
  }

  /** A factor as a model has it that computes in its checkpoint's type. */
  private static float rounded(double value, DType dtype) {
    float exact = (float) value;
    return switch (dtype) {
      case F32 -> exact;
      case F16 -> Float.float16ToFloat(Float.floatToFloat16(exact));
      case BF16 -> {
        int bits = Float.floatToRawIntBits(exact);
        int half = 0x7fff + ((bits >>> 16) & 1);
        yield Float.intBitsToFloat((bits + half) & 0xffff0000);
      }
    };
  }

  private Mixture mixture(Architecture architecture, int layers) {
    String key = json.has("num_local_experts") ? "num_local_experts" : "num_experts";
    int experts = json.integer(key, 1, MAX_EXPERTS);
    boolean normalized =
        architecture.has(Trait.NORMALIZED_EXPERTS) || json.flag("norm_topk_prob", false);
    Router router =
        new Router(experts, json.integer("num_experts_per_tok", 1, experts), normalized);
    if (!architecture.has(TensorRole.GATE)) {
      return new Mixture(router, json.integer("intermediate_size", 1, MAX_WIDTH), Set.of());
    }
    int step = json.integer("decoder_sparse_step", 1, Integer.MAX_VALUE, 1);
    Set<Integer> dense = new HashSet<>(json.integers("mlp_only_layers", 0, layers - 1));
    for (int layer = 0; layer < layers; layer++) {
      if ((layer + 1) % step != 0) {
        dense.add(layer);
      }
    }
    return new Mixture(router, json.integer("moe_intermediate_size", 1, MAX_WIDTH), dense);
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

  private void refuseUnsupported() {
    for (String key : List.of("quantization_config", "compression_config")) {
      JsonObject quantized = json.object(key);
      if (quantized != null) {
        throw new ModelException(
            "%s: \"%s\" names the quantization \"%s\", but quantized weights (fp8, GPTQ, AWQ, ...)"
                    .formatted(json.file(), key, quantized.text("quant_method", "unknown"))
                + " are not supported; expected a model in float32, bfloat16 or float16");
      }
    }
    if (json.flag("mlp_bias", false)) {
      throw json.wrong("mlp_bias", "false: biases are not supported");
    }
    if (json.integer("pretraining_tp", 0, Integer.MAX_VALUE, 1) > 1) {
      throw json.wrong("pretraining_tp", "1: sliced matrices are not supported");
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
        generation.integerOrNull("top_k", -1, Integer.MAX_VALUE),
        generation.numberOrNull("top_p", 0),
        generation.numberOrNull("min_p", 0),
        generation.numberOrNull("repetition_penalty", 0),
        generation.integerOrNull("max_new_tokens", 1, Integer.MAX_VALUE));
  }
}
