package dev.kappa.model;

import dev.kappa.device.AttentionShape;
import dev.kappa.model.Architecture.Defaults;
import dev.kappa.model.Architecture.Trait;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Reads heads, windows and rotation from {@code config.json}. */
final class AttentionConfigReader {

  // Within these bounds heads · headDim fits into 32 bits.
  static final int MAX_HEADS = 1 << 14;
  static final int MAX_HEAD_DIM = 1 << 14;

  private static final String FULL = "full_attention";
  private static final String SLIDING = "sliding_attention";

  /** Layers without a window below those with one, where Qwen's configs say nothing. */
  private static final int DEFAULT_FIRST_WINDOWED = 28;

  private final JsonObject json;
  private final Architecture architecture;
  private final int layers;

  private AttentionConfigReader(JsonObject json, Architecture architecture, int layers) {
    this.json = json;
    this.architecture = architecture;
    this.layers = layers;
  }

  static AttentionConfig read(
      JsonObject json, Architecture architecture, int hidden, int layers, int positions) {
    return new AttentionConfigReader(json, architecture, layers).read(hidden, positions);
  }

  private AttentionConfig read(int hidden, int positions) {
    int heads = json.integer("num_attention_heads", 1, MAX_HEADS);
    int kvHeads = json.integer("num_key_value_heads", 1, MAX_HEADS, heads);
    if (heads % kvHeads != 0) {
      throw json.wrong("num_key_value_heads", "a divisor of num_attention_heads = " + heads);
    }
    refuseUnsupported();
    int headDim = headDim(hidden, heads);
    RopeConfigReader rope = new RopeConfigReader(json, architecture, positions);
    int rotaryDim = rope.rotaryDim(headDim);
    Set<Integer> windowed = windowed();
    return new AttentionConfig(
        heads,
        kvHeads,
        headDim,
        scale(headDim),
        softcap(),
        windowed.isEmpty() ? AttentionShape.NO_WINDOW : window(),
        windowed,
        rope.read(rotaryDim),
        rope.readWindowed(rotaryDim),
        rotaryDim);
  }

  private int headDim(int hidden, int heads) {
    int usual = architecture.defaults().headDim();
    if (!json.has("head_dim") && usual == 0 && hidden % heads != 0) {
      throw json.wrong("hidden_size", "a multiple of num_attention_heads = " + heads);
    }
    int headDim = json.integer("head_dim", 2, MAX_HEAD_DIM, usual > 0 ? usual : hidden / heads);
    if (headDim % 2 != 0 || headDim > MAX_HEAD_DIM || headDim < 2) {
      String found = json.has("head_dim") ? "head_dim" : "hidden_size";
      throw json.wrong(found, "an even number of elements per head up to " + MAX_HEAD_DIM);
    }
    return headDim;
  }

  private float scale(int headDim) {
    if (!architecture.has(Trait.QUERY_SCALAR)) {
      return AttentionConfig.scale(headDim);
    }
    double scalar = json.number("query_pre_attn_scalar", Float.MIN_NORMAL, 256);
    return AttentionConfig.scale(scalar);
  }

  private float softcap() {
    String key = "attn_logit_softcapping";
    if (architecture.has(Trait.ATTENTION_SOFTCAP)) {
      return softcap(json, key, architecture.defaults().attentionSoftcap());
    }
    if (json.has(key)) {
      throw json.wrong(key, "null: this architecture does not bound scores");
    }
    return 0;
  }

  /** A bound, of which {@code null} is none at all. */
  static float softcap(JsonObject json, String key, float usual) {
    double fallback = json.mentions(key) ? 0 : usual;
    double cap = json.number(key, 0, fallback);
    if (json.has(key) && (cap < Float.MIN_NORMAL || cap > Float.MAX_VALUE)) {
      throw json.wrong(key, "a positive number, or null for none");
    }
    return (float) cap;
  }

  private void refuseUnsupported() {
    if (json.flag("attention_bias", false) && !architecture.has(TensorRole.QUERY_BIAS)) {
      throw json.wrong("attention_bias", "false: biases are not supported");
    }
    if (json.flag("use_bidirectional_attention", false)) {
      throw json.wrong("use_bidirectional_attention", "false: only causal attention is supported");
    }
  }

  private int window() {
    return json.integer(
        "sliding_window", 1, Integer.MAX_VALUE, Math.max(1, architecture.defaults().window()));
  }

  /** Whether there is a size, be it that of the architecture. */
  private boolean hasWindow() {
    boolean usual = architecture.defaults().window() > 0 && !json.mentions("sliding_window");
    return json.has("sliding_window") || usual;
  }

  /** The layers with a window. */
  private Set<Integer> windowed() {
    Defaults defaults = architecture.defaults();
    boolean used = json.flag("use_sliding_window", false);
    return switch (architecture.windows()) {
      case NONE -> {
        refuseWindow(used);
        yield Set.of();
      }
      case EVERY_LAYER -> {
        refuseLayerTypes();
        yield hasWindow() ? from(0) : Set.of();
      }
      case EVERY_LAYER_IF_USED -> {
        refuseLayerTypes();
        yield used && hasWindow() ? from(0) : Set.of();
      }
      case LATER_LAYERS_IF_USED -> {
        int first = json.integer("max_window_layers", 0, Integer.MAX_VALUE, DEFAULT_FIRST_WINDOWED);
        Set<Integer> later = from(used && hasWindow() ? first : layers);
        yield json.has("layer_types") ? layerTypes(used && hasWindow()) : later;
      }
      case PATTERN -> {
        int period =
            json.integer("sliding_window_pattern", 1, Integer.MAX_VALUE, defaults.windowPattern());
        Set<Integer> pattern =
            IntStream.range(0, layers)
                .filter(layer -> hasWindow() && (layer + 1) % period != 0)
                .boxed()
                .collect(Collectors.toSet());
        yield json.has("layer_types") ? layerTypes(hasWindow()) : pattern;
      }
    };
  }

  private Set<Integer> from(int first) {
    return IntStream.range(Math.min(first, layers), layers)
        .boxed()
        .collect(Collectors.toUnmodifiableSet());
  }

  private Set<Integer> layerTypes(boolean hasWindow) {
    List<String> types = json.texts("layer_types");
    boolean known = types.stream().allMatch(type -> type.equals(FULL) || type.equals(SLIDING));
    if (!known || types.size() != layers) {
      throw json.wrong(
          "layer_types", "\"%s\" or \"%s\" for each of %d layers".formatted(FULL, SLIDING, layers));
    }
    if (!hasWindow && types.contains(SLIDING)) {
      throw json.wrong("layer_types", "\"%s\" for every layer without a window".formatted(FULL));
    }
    return IntStream.range(0, layers)
        .filter(layer -> types.get(layer).equals(SLIDING))
        .boxed()
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Of architectures whose windows this key does not decide. */
  private void refuseLayerTypes() {
    if (json.texts("layer_types").stream().anyMatch(type -> !type.equals(FULL))) {
      throw json.wrong("layer_types", "\"%s\" for every layer".formatted(FULL));
    }
  }

  private void refuseWindow(boolean used) {
    refuseLayerTypes();
    boolean windowed =
        used
            && json.has("sliding_window")
            && json.integer("max_window_layers", 0, Integer.MAX_VALUE, 0) < layers;
    if (windowed && !json.has("layer_types")) {
      throw json.wrong(
          "use_sliding_window", "false: this architecture does not have sliding windows");
    }
  }
}
