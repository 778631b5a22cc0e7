package dev.kappa.model;

import dev.kappa.model.RopeScaling.Dynamic;
import dev.kappa.model.RopeScaling.Linear;
import dev.kappa.model.RopeScaling.Llama3;
import dev.kappa.model.RopeScaling.LongRope;
import dev.kappa.model.RopeScaling.Yarn;

/**
 * Radians per position of each pair of rotated elements, {@code theta^(-2i / dim)}, scaled; with
 * the roundings to 32 bits of transformers' {@code modeling_rope_utils.py}. A different power
 * function may move single values by one unit in the last place.
 *
 * @param inverse {@code [dim / 2]}
 * @param amplitude factor on cosines and sines
 */
@SuppressWarnings("ArrayRecordComponent") // Compared by nobody.
record RopeFrequencies(float[] inverse, float amplitude) {

  /**
   * Computes them.
   *
   * @param dim rotated elements of a head, even
   * @param positions longest context
   */
  static RopeFrequencies of(RopeConfig rope, int dim, int positions) {
    double theta = rope.theta();
    return switch (rope.scaling()) {
      case null -> new RopeFrequencies(plain(theta, dim), 1);
      case Linear linear -> new RopeFrequencies(linear(plain(theta, dim), linear), 1);
      case Dynamic dynamic ->
          new RopeFrequencies(plain(base(theta, dim, dynamic, positions), dim), 1);
      case Yarn yarn -> new RopeFrequencies(yarn(theta, dim, yarn), (float) yarn.attentionFactor());
      case LongRope longRope ->
          new RopeFrequencies(
              longRope(theta, dim, longRope, positions), (float) longRope.attentionFactor());
      case Llama3 llama3 -> new RopeFrequencies(llama3(plain(theta, dim), llama3), 1);
    };
  }

  /** {@code theta^(2i / dim)}. */
  private static float power(double theta, int i, int dim) {
    float exponent = (2f * i) / dim;
    return (float) Math.pow((float) theta, exponent);
  }

  private static float[] plain(double theta, int dim) {
    float[] frequencies = new float[dim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = 1f / power(theta, i, dim);
    }
    return frequencies;
  }

  private static float[] linear(float[] frequencies, Linear linear) {
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] /= (float) linear.factor();
    }
    return frequencies;
  }

  private static double base(double theta, int dim, Dynamic dynamic, int positions) {
    int original = dynamic.originalPositions();
    double stretch = dynamic.factor() * Math.max(positions, original) / original;
    return theta * Math.pow(stretch - (dynamic.factor() - 1), dim / (dim - 2.0));
  }

  private static float[] yarn(double theta, int dim, Yarn yarn) {
    double low = dimension(yarn.betaFast(), theta, dim, yarn.originalPositions());
    double high = dimension(yarn.betaSlow(), theta, dim, yarn.originalPositions());
    if (yarn.truncate()) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    low = Math.max(low, 0);
    high = Math.min(high, dim - 1);
    if (low == high) {
      high += 0.001;
    }
    float[] frequencies = new float[dim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      float power = power(theta, i, dim);
      float kept = 1f / power;
      float stretched = 1f / ((float) yarn.factor() * power);
      float ramp = Math.clamp((i - (float) low) / (float) (high - low), 0f, 1f);
      float share = 1 - ramp;
      frequencies[i] = stretched * (1 - share) + kept * share;
    }
    return frequencies;
  }

  /** The dimension that turns so many times in the original context. */
  private static double dimension(double turns, double theta, int dim, int positions) {
    return dim * Math.log(positions / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  }

  private static float[] longRope(double theta, int dim, LongRope scaling, int positions) {
    float[] frequencies = new float[dim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      float factor = scaling.factors(positions).get(i).floatValue();
      frequencies[i] = 1f / (factor * power(theta, i, dim));
    }
    return frequencies;
  }

  private static float[] llama3(float[] frequencies, Llama3 llama3) {
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = llama3(frequencies[i], llama3);
    }
    return frequencies;
  }

  private static float llama3(float frequency, Llama3 llama3) {
    int original = llama3.originalPositions();
    float low = (float) llama3.lowFrequencyFactor();
    float high = (float) llama3.highFrequencyFactor();
    float factor = (float) llama3.factor();
    float wavelength = (float) (2 * Math.PI) / frequency;
    if (wavelength < original / llama3.highFrequencyFactor()) {
      return frequency;
    }
    if (wavelength > original / llama3.lowFrequencyFactor()) {
      return frequency / factor;
    }
    float smooth = (original / wavelength - low) / (high - low);
    return (1 - smooth) * frequency / factor + smooth * frequency;
  }
}
