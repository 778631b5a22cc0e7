package dev.kappa.model;

import java.util.List;

/**
 * How the frequencies of a rotary embedding are stretched for contexts beyond those of the
 * pre-training. Keys that lie in KV blocks are rotated already, and blocks are shared; so where a
 * scaling depends on the length of a context, an engine goes by the longest that it allows.
 */
public sealed interface RopeScaling {

  /** Longest context that the scaling is made for, at least {@code maxPositions}. */
  default int longest(int maxPositions) {
    return maxPositions;
  }

  /** See {@link RopeConfig#variant}. */
  default String variant(int positions) {
    return "";
  }

  private static int stretched(int positions, double factor) {
    return (int) Math.min(positions * factor, Integer.MAX_VALUE);
  }

  /** All frequencies are divided by a factor (Chen et al., arXiv 2306.15595). */
  record Linear(double factor) implements RopeScaling {
    @Override
    public int longest(int maxPositions) {
      return Math.max(maxPositions, stretched(maxPositions, factor));
    }
  }

  /**
   * The base grows with the longest context ("NTK-aware", as in transformers): up to {@code
   * originalPositions} nothing changes.
   */
  record Dynamic(double factor, int originalPositions) implements RopeScaling {
    @Override
    public int longest(int maxPositions) {
      return Math.max(maxPositions, stretched(originalPositions, factor));
    }

    @Override
    public String variant(int positions) {
      return positions <= originalPositions ? "" : "dynamic rotation up to " + positions;
    }
  }

  /**
   * YaRN (Peng et al., arXiv 2309.00071): dimensions that turn less than {@code betaSlow} times in
   * the original context are stretched, those that turn more than {@code betaFast} times are kept,
   * those between blended.
   *
   * @param truncate whether the bounds are rounded to whole dimensions
   * @param attentionFactor factor on rotated queries and keys
   */
  record Yarn(
      double factor,
      int originalPositions,
      double betaFast,
      double betaSlow,
      boolean truncate,
      double attentionFactor)
      implements RopeScaling {
    @Override
    public int longest(int maxPositions) {
      return Math.max(maxPositions, stretched(originalPositions, factor));
    }
  }

  /**
   * LongRoPE (Ding et al., arXiv 2402.13753): each frequency has a factor of its own, one for
   * contexts up to {@code originalPositions} and one for longer ones.
   *
   * @param attentionFactor factor on rotated queries and keys
   */
  record LongRope(
      List<Double> shortFactors,
      List<Double> longFactors,
      int originalPositions,
      double attentionFactor)
      implements RopeScaling {

    public LongRope {
      shortFactors = List.copyOf(shortFactors);
      longFactors = List.copyOf(longFactors);
    }

    /** The factors for contexts of up to so many tokens. */
    List<Double> factors(int positions) {
      return positions <= originalPositions ? shortFactors : longFactors;
    }

    @Override
    public String variant(int positions) {
      return positions <= originalPositions ? "" : "long rotation";
    }
  }

  /**
   * Llama 3.1's: long wavelengths are stretched by {@code factor}, short ones kept, those between
   * blended.
   *
   * @param factor stretch of the low frequencies
   * @param lowFrequencyFactor wavelengths above {@code original / this} are stretched
   * @param highFrequencyFactor wavelengths below {@code original / this} are kept
   * @param originalPositions context length of the pre-training
   */
  record Llama3(
      double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalPositions)
      implements RopeScaling {}
}
