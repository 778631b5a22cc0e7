package dev.kappa.model;

import org.jspecify.annotations.Nullable;

/**
 * Rotary position embedding.
 *
 * @param theta base of the frequencies
 * @param llama3 how frequencies are stretched for long contexts; null leaves them as they are
 */
public record RopeConfig(double theta, @Nullable Llama3 llama3) {

  /**
   * Llama 3.1's scaling: long wavelengths are stretched by {@code factor}, short ones kept, those
   * between blended.
   *
   * @param factor stretch of the low frequencies
   * @param lowFrequencyFactor wavelengths above {@code original / this} are stretched
   * @param highFrequencyFactor wavelengths below {@code original / this} are kept
   * @param originalPositions context length of the pre-training
   */
  public record Llama3(
      double factor,
      double lowFrequencyFactor,
      double highFrequencyFactor,
      int originalPositions) {}
}
