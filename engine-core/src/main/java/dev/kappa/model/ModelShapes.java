package dev.kappa.model;

import dev.kappa.device.DType;
import dev.kappa.roofline.Attention;
import dev.kappa.roofline.FeedForward;
import dev.kappa.roofline.KvType;
import dev.kappa.roofline.ModelShape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Reads from {@code config.json} what a model's tokens cost, of more models than Kappa can run:
 * dense ones, mixtures of experts, grouped and latent attention, sliding windows.
 */
public final class ModelShapes {

  private static final int MOST = 1 << 26;
  private static final int MOST_LAYERS = 1 << 14;

  /**
   * A model on paper.
   *
   * @param name its folder's name
   * @param shape its sizes, the cache in the checkpoint's own type or, where that is quantized, in
   *     bf16
   * @param totalWeightBytes bytes of all weights in the checkpoint
   * @param maxPositions longest context that it was made for
   */
  public record Described(String name, ModelShape shape, long totalWeightBytes, int maxPositions) {}

  private final JsonObject json;
  private final String architecture;

  private ModelShapes(JsonObject json) {
    this.json = json;
    List<String> names = json.texts("architectures");
    architecture = names.isEmpty() ? "" : names.getFirst();
  }

  /**
   * Reads a model's sizes.
   *
   * @param path a model's folder, its {@code config.json}, or a GGUF file
   * @throws ModelException if the file cannot be read or lacks a size
   */
  public static Described read(Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    if (ModelDirectory.gguf(absolute) != null) {
      return described(ModelDirectory.open(absolute));
    }
    Path file = Files.isDirectory(absolute) ? absolute.resolve("config.json") : absolute;
    Path folder = file.getParent();
    Path name = folder == null ? null : folder.getFileName();
    return new ModelShapes(JsonObject.read(file)).read(name == null ? "model" : name.toString());
  }

  private static Described described(ModelDirectory model) {
    ModelConfig config = model.config();
    return new Described(model.name(), of(config), model.weights().bytes(), config.maxPositions());
  }

  /**
   * The sizes of a model that Kappa runs. Norms of what layers add (Gemma) are not counted: 2 ·
   * hidden parameters per layer.
   */
  public static ModelShape of(ModelConfig config) {
    AttentionConfig attention = config.attention();
    Architecture architecture = Architecture.of(config);
    int windowed = attention.windowed().size();
    return new ModelShape(
        config.layers(),
        config.hiddenSize(),
        config.vocabularySize(),
        config.tiedEmbeddings(),
        new Attention.Grouped(
            attention.heads(),
            attention.kvHeads(),
            attention.headDim(),
            architecture.has(TensorRole.QUERY_BIAS),
            architecture.has(TensorRole.QUERY_NORM)),
        feedForward(config),
        windowed > 0 ? attention.window() : 0,
        windowed,
        config.dtype() == DType.F32 ? KvType.F32 : KvType.BF16);
  }

  private static FeedForward feedForward(ModelConfig config) {
    Mixture mixture = config.experts();
    if (mixture == null) {
      return new FeedForward.Dense(config.intermediateSize());
    }
    int dense = mixture.denseLayers().size();
    return new FeedForward.Experts(
        mixture.experts(),
        mixture.router().perToken(),
        mixture.width(),
        0,
        dense,
        dense == 0 ? 0 : config.intermediateSize());
  }

  private Described read(String name) {
    boolean runs = Architecture.all().stream().anyMatch(a -> a.name().equals(architecture));
    if (runs && !json.has("quantization_config")) {
      ModelConfig config = ModelConfigReader.read(json);
      ModelShape shape = of(config);
      long bytes = shape.parameters() * config.dtype().bytes();
      return new Described(name, shape, bytes, config.maxPositions());
    }
    String dtype = json.text(json.has("dtype") ? "dtype" : "torch_dtype", "bfloat16");
    boolean wide = dtype.toLowerCase(Locale.ROOT).replace("torch.", "").equals("float32");
    int layers = json.integer("num_hidden_layers", 1, MOST_LAYERS);
    int windowed = windowedLayers(layers);
    ModelShape shape =
        new ModelShape(
            layers,
            size("hidden_size"),
            size("vocab_size"),
            json.flag("tie_word_embeddings", false),
            json.has("kv_lora_rank") ? latent() : grouped(),
            feedForward(layers),
            windowed > 0 ? size("sliding_window") : 0,
            windowed,
            wide ? KvType.F32 : KvType.BF16);
    int positions = json.integer("max_position_embeddings", 1, Integer.MAX_VALUE);
    return new Described(name, shape, shape.parameters() * weightBytes(wide), positions);
  }

  private int weightBytes(boolean wide) {
    JsonObject quantized = json.object("quantization_config");
    if (quantized == null) {
      return wide ? 4 : 2;
    }
    if (quantized.text("quant_method", "").equals("fp8")) {
      return 1;
    }
    throw quantized.wrong("quant_method", "\"fp8\", the only quantization that can be planned for");
  }

  private Attention grouped() {
    int heads = size("num_attention_heads");
    int kvHeads = json.integer("num_key_value_heads", 1, MOST, heads);
    if (heads % kvHeads != 0) {
      throw json.wrong("num_key_value_heads", "a divisor of num_attention_heads = " + heads);
    }
    boolean qwen3 = architecture.startsWith("Qwen3");
    int fallback = qwen3 ? Architectures.QWEN3.defaults().headDim() : size("hidden_size") / heads;
    int headDim = json.integer("head_dim", 1, MOST, fallback);
    // Qwen2 has these biases without saying so.
    boolean biases = json.flag("attention_bias", architecture.startsWith("Qwen2"));
    return new Attention.Grouped(heads, kvHeads, headDim, biases, qwen3);
  }

  private Attention latent() {
    return new Attention.Latent(
        size("num_attention_heads"),
        json.integer("q_lora_rank", 0, MOST, 0),
        size("kv_lora_rank"),
        size("qk_nope_head_dim"),
        size("qk_rope_head_dim"),
        size("v_head_dim"));
  }

  private FeedForward feedForward(int layers) {
    for (String key : List.of("n_routed_experts", "num_experts", "num_local_experts")) {
      if (json.has(key)) {
        return experts(key, layers);
      }
    }
    return new FeedForward.Dense(size("intermediate_size"));
  }

  private FeedForward experts(String key, int layers) {
    int experts = size(key);
    int perToken = json.integer("num_experts_per_tok", 1, experts);
    for (String step : List.of("moe_layer_freq", "decoder_sparse_step")) {
      if (json.integer(step, 1, layers, 1) != 1) {
        throw json.wrong(step, "1: experts in every layer after the first dense ones");
      }
    }
    int width =
        size(json.has("moe_intermediate_size") ? "moe_intermediate_size" : "intermediate_size");
    int shared = json.integer("n_shared_experts", 0, MOST, 0) * width;
    int dense =
        json.has("first_k_dense_replace")
            ? json.integer("first_k_dense_replace", 0, layers)
            : json.integers("mlp_only_layers", 0, layers).size();
    return new FeedForward.Experts(
        experts,
        perToken,
        width,
        json.integer("shared_expert_intermediate_size", 0, MOST, shared),
        dense,
        dense == 0 ? 0 : size("intermediate_size"));
  }

  /**
   * Layers with a window: those that {@code layer_types} names; else, where {@code
   * use_sliding_window} is (Qwen2), those from {@code max_window_layers} on; else all (Mistral).
   */
  private int windowedLayers(int layers) {
    List<String> types = json.texts("layer_types");
    if (!types.isEmpty()) {
      return (int) types.stream().filter(type -> type.equals("sliding_attention")).count();
    }
    if (!json.has("sliding_window") || !json.flag("use_sliding_window", true)) {
      return 0;
    }
    return layers - Math.min(layers, json.integer("max_window_layers", 0, MOST_LAYERS, 0));
  }

  private int size(String key) {
    return json.integer(key, 1, MOST);
  }
}
