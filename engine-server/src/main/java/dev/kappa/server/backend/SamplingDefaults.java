package dev.kappa.server.backend;

import dev.kappa.model.GenerationDefaults;
import org.jspecify.annotations.Nullable;

/**
 * What a request that does not say is sampled with.
 *
 * @param temperature as in {@link dev.kappa.sample.SamplingParams}
 * @param topK as in {@link dev.kappa.sample.SamplingParams}
 * @param topP as in {@link dev.kappa.sample.SamplingParams}
 * @param minP as in {@link dev.kappa.sample.SamplingParams}
 * @param chatTokens most tokens of a chat's answer; the rest of the context bounds it in any case
 */
public record SamplingDefaults(
    double temperature, int topK, double topP, double minP, int chatTokens) {

  /** The model's own distribution, untouched. */
  public static final SamplingDefaults NEUTRAL =
      new SamplingDefaults(1, 0, 1, 0, Integer.MAX_VALUE);

  /** What a model's authors recommend; where they say nothing, the neutral value. */
  public static SamplingDefaults of(GenerationDefaults model) {
    boolean greedy = Boolean.FALSE.equals(model.sample());
    return new SamplingDefaults(
        greedy ? 0 : orElse(model.temperature(), NEUTRAL.temperature),
        orElse(model.topK(), NEUTRAL.topK),
        orElse(model.topP(), NEUTRAL.topP),
        orElse(model.minP(), NEUTRAL.minP),
        orElse(model.maxNewTokens(), NEUTRAL.chatTokens));
  }

  private static double orElse(@Nullable Double value, double otherwise) {
    return value == null ? otherwise : value;
  }

  private static int orElse(@Nullable Integer value, int otherwise) {
    return value == null ? otherwise : value;
  }
}
