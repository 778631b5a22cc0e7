package dev.kappa.model;

import org.jspecify.annotations.Nullable;

/**
 * Rotary position embedding.
 *
 * @param theta base of the frequencies
 * @param scaling how frequencies are stretched for long contexts; null leaves them as they are
 */
public record RopeConfig(double theta, @Nullable RopeScaling scaling) {

  /** Longest context that the scaling is made for, at least {@code maxPositions}. */
  int longest(int maxPositions) {
    return scaling == null ? maxPositions : scaling.longest(maxPositions);
  }

  /**
   * What sets the rotation of an engine with contexts of up to so many tokens apart from that of
   * another engine with the same model; empty where nothing does.
   */
  String variant(int positions) {
    return scaling == null ? "" : scaling.variant(positions);
  }
}
