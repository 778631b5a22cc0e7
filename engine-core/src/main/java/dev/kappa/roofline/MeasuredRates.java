package dev.kappa.roofline;

/**
 * How fast a model runs on a machine, as an engine has measured it. A step takes
 *
 * <pre>{@code fixed + max(weights, token · tokens) + max(context · seen, pair · pairs)}</pre>
 *
 * nanoseconds for so many new tokens, which see so many tokens in so many pairs.
 *
 * @param fixedNanos what comes on top of every step
 * @param weightsNanos reading all weights
 * @param tokenNanos the products for one new token
 * @param contextNanos reading the KV of one token
 * @param pairNanos attention of one token to one token
 * @param loadBytesPerSecond best copy from host to device; 0 if there is no host memory for KV
 * @param storeBytesPerSecond best copy from device to host; 0 if there is none
 */
public record MeasuredRates(
    double fixedNanos,
    double weightsNanos,
    double tokenNanos,
    double contextNanos,
    double pairNanos,
    double loadBytesPerSecond,
    double storeBytesPerSecond) {

  /** Nothing has been measured. */
  public static final MeasuredRates NONE = new MeasuredRates(0, 0, 0, 0, 0, 0, 0);

  private static final double NANOS = 1e9;

  /** Whether any step has been measured. */
  public boolean knowsSteps() {
    return tokenNanos > 0;
  }

  /** Whether the link has been measured in both directions. */
  public boolean knowsLink() {
    return loadBytesPerSecond > 0 && storeBytesPerSecond > 0;
  }

  /** A step of so many new tokens that see next to nothing, in nanoseconds. */
  public double stepNanos(int tokens) {
    return fixedNanos + Math.max(weightsNanos, tokenNanos * tokens);
  }

  /**
   * κ_crit of a context by {@link Roofline#kappaCritical}; NaN unless steps and link are known.
   *
   * @param model that was measured
   */
  public double kappaCritical(ModelShape model, long contextTokens) {
    if (!knowsSteps() || !knowsLink()) {
      return Double.NaN;
    }
    return new Roofline(model, profile("measured", model, 0)).kappaCritical(contextTokens);
  }

  /**
   * The machine for whom the formulas give these times: C is the work of a token by {@link
   * ModelShape#flopsWithoutAttention} over its time, and likewise for the rest.
   *
   * @param model that was measured
   * @param weightBytes that a step reads; 0 if the rate of device memory does not matter
   * @throws IllegalStateException unless steps and link are known
   */
  public HardwareProfile profile(String name, ModelShape model, double weightBytes) {
    if (!knowsSteps() || !knowsLink()) {
      throw new IllegalStateException("not everything has been measured: " + this);
    }
    return new HardwareProfile(
        name,
        model.flopsWithoutAttention(1) / tokenNanos * NANOS,
        model.attentionFlopsPerPair() / pairNanos * NANOS,
        loadBytesPerSecond,
        storeBytesPerSecond,
        weightBytes == 0 ? Double.POSITIVE_INFINITY : weightBytes / weightsNanos * NANOS,
        contextNanos == 0
            ? Double.POSITIVE_INFINITY
            : model.kvBytesPerToken() / contextNanos * NANOS,
        0,
        0);
  }
}
