package dev.kappa.server.backend;

/**
 * What a request that does not say is sampled with.
 *
 * @param temperature as in {@link dev.kappa.sample.SamplingParams}
 * @param topK as in {@link dev.kappa.sample.SamplingParams}
 * @param topP as in {@link dev.kappa.sample.SamplingParams}
 * @param minP as in {@link dev.kappa.sample.SamplingParams}
 */
public record SamplingDefaults(double temperature, int topK, double topP, double minP) {

  /** The model's own distribution, untouched. */
  public static final SamplingDefaults NEUTRAL = new SamplingDefaults(1, 0, 1, 0);
}
