package dev.kappa.model;

import dev.kappa.model.Architecture.Trait;
import dev.kappa.model.RopeScaling.Dynamic;
import dev.kappa.model.RopeScaling.Linear;
import dev.kappa.model.RopeScaling.Llama3;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the rotary embedding from {@code config.json}: in the form {@code rope_theta} and {@code
 * rope_scaling} that most published models have, or as {@code rope_parameters}, which transformers
 * 5 writes. Where both are there the former wins, as in transformers.
 */
final class RopeConfigReader {

  private static final String ORIGINAL = "original_max_position_embeddings";
  private static final String FULL = "full_attention";
  private static final String SLIDING = "sliding_attention";
  private static final String PARTIAL = "partial_rotary_factor";

  private static final double DEFAULT_WINDOW_THETA = 10_000;

  private final JsonObject json;
  private final Architecture architecture;
  private final int maxPositions;
  private final @Nullable JsonObject scaling;
  private final @Nullable JsonObject parameters;

  RopeConfigReader(JsonObject json, Architecture architecture, int maxPositions) {
    this.json = json;
    this.architecture = architecture;
    this.maxPositions = maxPositions;
    JsonObject older = json.object("rope_scaling");
    scaling = older == null || older.keys().isEmpty() ? null : older;
    parameters = json.object("rope_parameters");
  }

  /** The rotation of layers that see everything. */
  RopeConfig read(int dim) {
    JsonObject rope = scaling != null ? scaling : of(FULL);
    double theta = theta(json, "rope_theta", architecture.defaults().theta());
    if (rope == null) {
      return new RopeConfig(theta, null);
    }
    refuseLayerTypes(rope);
    return new RopeConfig(theta(rope, "rope_theta", theta), scaling(rope, dim));
  }

  /** The rotation of layers with a window, if it is another; it is never scaled by the old form. */
  @Nullable RopeConfig readWindowed(int dim) {
    if (!architecture.has(Trait.WINDOW_ROPE)) {
      return null;
    }
    JsonObject rope = parameters != null && isNested(parameters) ? of(SLIDING) : null;
    double theta = theta(json, "rope_local_base_freq", DEFAULT_WINDOW_THETA);
    if (rope == null) {
      return new RopeConfig(theta, null);
    }
    return new RopeConfig(theta(rope, "rope_theta", theta), scaling(rope, dim));
  }

  /** How many of a head's elements are rotated. */
  int rotaryDim(int headDim) {
    JsonObject rope = scaling != null ? scaling : of(FULL);
    JsonObject holder = rope != null && rope.has(PARTIAL) ? rope : json;
    double share = holder.number(PARTIAL, 0, 1);
    if (share != 1 && !architecture.has(Trait.PARTIAL_ROTATION)) {
      throw holder.wrong(PARTIAL, "1: partial rotation is not supported");
    }
    int dim = (int) (headDim * share);
    if (share > 1 || dim < 2 || dim % 2 != 0) {
      throw holder.wrong(PARTIAL, "an even part of the %d elements of a head".formatted(headDim));
    }
    return dim;
  }

  /** The parameters of a type of layers, or of all where they are not told apart. */
  private @Nullable JsonObject of(String layerType) {
    if (parameters == null || !architecture.has(Trait.WINDOW_ROPE) || !isNested(parameters)) {
      return parameters;
    }
    return parameters.object(layerType);
  }

  private static boolean isNested(JsonObject parameters) {
    return parameters.has(FULL) || parameters.has(SLIDING);
  }

  /** Parameters of one layer type each are objects of their own. */
  private static void refuseLayerTypes(JsonObject rope) {
    for (String key : rope.keys()) {
      if (key.endsWith("_attention")) {
        throw rope.wrong(key, "one set of rope parameters for all layers");
      }
    }
  }

  private @Nullable RopeScaling scaling(JsonObject rope, int dim) {
    String key = rope.has("rope_type") ? "rope_type" : "type";
    String type = rope.text(key, "default");
    if (architecture.has(Trait.PARTIAL_ROTATION) && List.of("su", "yarn").contains(type)) {
      // What early Phi-3 models called it.
      type = "longrope";
    }
    return switch (type) {
      case "default" -> null;
      case "linear" -> new Linear(factor(rope));
      case "dynamic" -> dynamic(rope, dim);
      case "yarn" -> yarn(rope);
      case "longrope" -> longRope(rope, dim);
      case "llama3" -> llama3(rope);
      default ->
          throw rope.wrong(
              key,
              "one of \"default\", \"linear\", \"dynamic\", \"yarn\", \"longrope\", \"llama3\"");
    };
  }

  private static double factor(JsonObject rope) {
    return rope.number("factor", 1);
  }

  private Dynamic dynamic(JsonObject rope, int dim) {
    if (dim <= 2) {
      throw rope.wrong("rope_type", "another type where only %d elements turn".formatted(dim));
    }
    return new Dynamic(factor(rope), maxPositions);
  }

  private RopeScaling yarn(JsonObject rope) {
    int original = originalPositions(rope);
    double factor = factor(rope);
    double fast = rope.number("beta_fast", Float.MIN_NORMAL, 32);
    double slow = rope.number("beta_slow", Float.MIN_NORMAL, 1);
    if (fast < slow) {
      throw rope.wrong("beta_fast", "at least beta_slow = " + slow);
    }
    double scale = rope.number("mscale", 0, 0);
    double allScale = rope.number("mscale_all_dim", 0, 0);
    double usual =
        scale > 0 && allScale > 0
            ? magnitude(factor, scale) / magnitude(factor, allScale)
            : magnitude(factor, 1);
    return new RopeScaling.Yarn(
        factor,
        original,
        fast,
        slow,
        rope.flag("truncate", true),
        rope.number("attention_factor", 0, usual));
  }

  /** What longer contexts do to the entropy of attention, undone (YaRN, section 3.4). */
  static double magnitude(double factor, double scale) {
    return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
  }

  private RopeScaling longRope(JsonObject rope, int dim) {
    int original = originalPositions(rope);
    double factor = rope.number("factor", 1, (double) maxPositions / original);
    double usual = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
    return new RopeScaling.LongRope(
        factors(rope, "short_factor", dim),
        factors(rope, "long_factor", dim),
        original,
        rope.number("attention_factor", 0, usual));
  }

  private static List<Double> factors(JsonObject rope, String key, int dim) {
    List<Double> factors = rope.numbers(key, Float.MIN_NORMAL);
    if (factors.size() != dim / 2) {
      throw rope.wrong(key, "a list of %d numbers".formatted(dim / 2));
    }
    return factors;
  }

  private Llama3 llama3(JsonObject rope) {
    Llama3 llama3 =
        new Llama3(
            factor(rope),
            rope.number("low_freq_factor", Float.MIN_NORMAL),
            rope.number("high_freq_factor", Float.MIN_NORMAL),
            originalPositions(rope));
    if (llama3.highFrequencyFactor() <= llama3.lowFrequencyFactor()) {
      throw rope.wrong(
          "high_freq_factor", "more than low_freq_factor = " + llama3.lowFrequencyFactor());
    }
    return llama3;
  }

  private int originalPositions(JsonObject rope) {
    JsonObject holder = json.has(ORIGINAL) ? json : rope;
    return holder.integer(ORIGINAL, 1, Integer.MAX_VALUE, maxPositions);
  }

  private static double theta(JsonObject json, String key, double fallback) {
    double theta = json.number(key, 0, fallback);
    if (theta < 1 || theta > Float.MAX_VALUE) {
      throw json.wrong(key, "a number of at least 1");
    }
    return theta;
  }
}
