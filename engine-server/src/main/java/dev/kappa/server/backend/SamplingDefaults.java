package dev.kappa.server.backend;

import dev.kappa.model.GenerationDefaults;
import dev.kappa.model.ModelException;
import dev.kappa.sample.Adjustments;
import dev.kappa.sample.InvalidSamplingException;
import dev.kappa.sample.SamplingParams;
import org.jspecify.annotations.Nullable;

/**
 * What a request that does not say is sampled with.
 *
 * @param temperature as in {@link dev.kappa.sample.SamplingParams}
 * @param topK as in {@link dev.kappa.sample.SamplingParams}
 * @param topP as in {@link dev.kappa.sample.SamplingParams}
 * @param minP as in {@link dev.kappa.sample.SamplingParams}
 * @param repetitionPenalty as in {@link Adjustments}
 * @param chatTokens most tokens of a chat's answer; the rest of the context bounds it in any case
 */
public record SamplingDefaults(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    int chatTokens) {

  /** The model's own distribution, untouched. */
  public static final SamplingDefaults NEUTRAL =
      new SamplingDefaults(1, 0, 1, 0, 1, Integer.MAX_VALUE);

  /**
   * What a model's authors recommend; where they say nothing, the neutral value.
   *
   * @throws ModelException if they recommend what no request may ask for
   */
  public static SamplingDefaults of(GenerationDefaults model) {
    boolean greedy = Boolean.FALSE.equals(model.sample());
    SamplingDefaults defaults =
        new SamplingDefaults(
            greedy ? 0 : orElse(model.temperature(), NEUTRAL.temperature),
            orElse(model.topK(), NEUTRAL.topK),
            orElse(model.topP(), NEUTRAL.topP),
            orElse(model.minP(), NEUTRAL.minP),
            orElse(model.repetitionPenalty(), NEUTRAL.repetitionPenalty),
            orElse(model.maxNewTokens(), NEUTRAL.chatTokens));
    defaults.check();
    return defaults;
  }

  private void check() {
    try {
      SamplingParams.builder()
          .temperature(temperature)
          .topK(topK)
          .topP(topP)
          .minP(minP)
          .adjustments(Adjustments.penalties(repetitionPenalty, 0, 0))
          .build();
    } catch (InvalidSamplingException e) {
      throw new ModelException(
          "what the model recommends for sampling cannot be used: " + e.getMessage(), e);
    }
  }

  private static double orElse(@Nullable Double value, double otherwise) {
    return value == null ? otherwise : value;
  }

  private static int orElse(@Nullable Integer value, int otherwise) {
    return value == null ? otherwise : value;
  }
}
