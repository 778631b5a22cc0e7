package dev.kappa.model;

import dev.kappa.model.RopeConfig.Llama3;
import org.jspecify.annotations.Nullable;

/**
 * Reads the rotary embedding from {@code config.json}: in the form {@code rope_theta} and {@code
 * rope_scaling} that most published models have, or as {@code rope_parameters}, which transformers
 * 5 writes. Where both are there the former wins, as in transformers.
 */
final class RopeConfigReader {

  private static final double DEFAULT_THETA = 10_000;

  private RopeConfigReader() {}

  static RopeConfig read(JsonObject json, int maxPositions) {
    JsonObject scaling = json.object("rope_scaling");
    JsonObject parameters =
        scaling == null || scaling.keys().isEmpty() ? json.object("rope_parameters") : scaling;
    double theta = theta(json, DEFAULT_THETA);
    refusePartial(json);
    if (parameters == null) {
      return new RopeConfig(theta, null);
    }
    refusePartial(parameters);
    // Parameters of one layer type each are objects of their own.
    for (String key : parameters.keys()) {
      if (key.endsWith("_attention")) {
        throw parameters.wrong(key, "one set of rope parameters for all layers");
      }
    }
    return new RopeConfig(theta(parameters, theta), scaling(json, parameters, maxPositions));
  }

  private static @Nullable Llama3 scaling(JsonObject json, JsonObject rope, int maxPositions) {
    String key = rope.has("rope_type") ? "rope_type" : "type";
    return switch (rope.text(key, "default")) {
      case "default" -> null;
      case "llama3" -> llama3(json, rope, maxPositions);
      default -> throw rope.wrong(key, "\"default\" or \"llama3\", the only types supported");
    };
  }

  private static Llama3 llama3(JsonObject json, JsonObject rope, int maxPositions) {
    String original = "original_max_position_embeddings";
    JsonObject holder = json.has(original) ? json : rope;
    Llama3 llama3 =
        new Llama3(
            rope.number("factor", 1),
            rope.number("low_freq_factor", Float.MIN_NORMAL),
            rope.number("high_freq_factor", Float.MIN_NORMAL),
            holder.integer(original, 1, Integer.MAX_VALUE, maxPositions));
    if (llama3.highFrequencyFactor() <= llama3.lowFrequencyFactor()) {
      throw rope.wrong(
          "high_freq_factor", "more than low_freq_factor = " + llama3.lowFrequencyFactor());
    }
    return llama3;
  }

  private static double theta(JsonObject json, double fallback) {
    double theta = json.number("rope_theta", 0, fallback);
    if (theta < 1 || theta > Float.MAX_VALUE) {
      throw json.wrong("rope_theta", "a number of at least 1");
    }
    return theta;
  }

  private static void refusePartial(JsonObject json) {
    if (json.number("partial_rotary_factor", 0, 1) != 1) {
      throw json.wrong("partial_rotary_factor", "1: partial rotation is not supported");
    }
  }
}
