package dev.kappa.roofline;

/**
 * A model on a machine: how long it takes to load the KV of K cached tokens, how long to compute T
 * new ones, and for which κ = K / T the two are equal (arXiv 2601.19910).
 *
 * <p>Both times are proportional to the work: what single copies and kernels cost on top is part of
 * the achieved rates. Times are in nanoseconds.
 *
 * @param hardware one device and its link
 * @param devices devices among which the heads of the model are divided, each with a link of its
 *     own; what they tell each other costs nothing here
 */
public record Roofline(ModelShape model, HardwareProfile hardware, int devices) {

  private static final double NANOS = 1e9;

  /** Halvings after which a double has no more bits to give. */
  private static final int HALVINGS = 100;

  public Roofline {
    if (devices <= 0) {
      throw new IllegalArgumentException(devices + " devices");
    }
  }

  /** On one device. */
  public Roofline(ModelShape model, HardwareProfile hardware) {
    this(model, hardware, 1);
  }

  /**
   * KV bytes of one token on each device: a part of the heads, or all of what cannot be divided.
   */
  public double kvBytesPerTokenAndDevice() {
    return (double) model.kvBytesPerToken() / kvShares();
  }

  /** Time to bring the KV of so many tokens to the device: {@code K · b / BW}. */
  public double loadNanos(double cachedTokens) {
    double bytes = model.kvBytes(cachedTokens) / kvShares();
    return bytes / hardware.hostToDeviceBytesPerSecond() * NANOS;
  }

  /**
   * Time to compute new tokens behind cached ones: the two terms of {@link ModelShape#flops}, each
   * at its achieved rate.
   */
  public double computeNanos(double newTokens, double cachedTokens) {
    double products = model.flopsWithoutAttention(newTokens) / hardware.flopsPerSecond();
    double attention =
        model.attentionFlops(newTokens, cachedTokens) / hardware.attentionFlopsPerSecond();
    return (products + attention) / devices * NANOS;
  }

  /**
   * Time of a request of which the first tokens that could be loaded are computed while the others
   * are loaded, so many that both take equally long: {@code min over x of max(load(L - x),
   * compute(x) + compute(T))}.
   *
   * @param loaded L, tokens in host memory only
   * @param cached tokens that need not be computed, L included
   * @param computed T, new tokens
   */
  public double splitNanos(double loaded, double cached, double computed) {
    double resident = cached - loaded;
    double last = computeNanos(computed, cached);
    double low = 0;
    double high = loaded;
    for (int i = 0; i < HALVINGS; i++) {
      double again = (low + high) / 2;
      if (computeNanos(again, resident) + last < loadNanos(loaded - again)) {
        low = again;
      } else {
        high = again;
      }
    }
    return Math.max(loadNanos(loaded - low), computeNanos(low, resident) + last);
  }

  /**
   * κ_crit of a context of {@code N = K + T} tokens. A request with a larger κ waits for the link,
   * one with a smaller κ for the device.
   *
   * <p>With {@code c = b · C / BW}, equal times mean {@code c · κ · (1 + κ) = 2P · (1 + κ) + a · N
   * · (κ + 1/2)}: a quadratic with exactly one positive root, as loading grows with κ and computing
   * shrinks. Where attention is computed at another rate than C, a stands for as much of C's work
   * as takes that long. Where layers have a window the root is found by halving.
   *
   * @return infinity if the link costs nothing, so that compute hides every load; 0 if computing
   *     costs nothing, so that it hides none
   */
  public double kappaCritical(long contextTokens) {
    if (contextTokens <= 0) {
      throw new IllegalArgumentException("a context of " + contextTokens + " tokens");
    }
    if (model.windowedLayers() > 0) {
      return byHalving(contextTokens);
    }
    double slower =
        hardware.attentionFlopsPerSecond() == hardware.flopsPerSecond()
            ? 1
            : hardware.flopsPerSecond() / hardware.attentionFlopsPerSecond();
    return root(slower * model.attentionFlopsPerPair() * contextTokens);
  }

  /**
   * κ_crit as it would be if attention took no time, {@code 2P · BW / (C · b)}; then it does not
   * depend on the context.
   */
  public double kappaCriticalWithoutAttention() {
    return root(0);
  }

  private double flopsPerSecond() {
    return hardware.flopsPerSecond() * devices;
  }

  private int kvShares() {
    return Math.min(devices, model.attention().kvParts());
  }

  private double root(double attention) {
    if (Double.isInfinite(hardware.hostToDeviceBytesPerSecond())) {
      return Double.POSITIVE_INFINITY;
    }
    if (Double.isInfinite(hardware.flopsPerSecond())) {
      return 0;
    }
    double flopsPerLoadedToken =
        kvBytesPerTokenAndDevice() * (flopsPerSecond() / hardware.hostToDeviceBytesPerSecond());
    double linear = 2.0 * model.activeParameters();
    double b = flopsPerLoadedToken - linear - attention;
    double d = linear + attention / 2;
    double discriminant = Math.sqrt(b * b + 4 * flopsPerLoadedToken * d);
    // Of the two forms of the root, the one that does not subtract nearly equal numbers.
    return b > 0 ? 2 * d / (b + discriminant) : (discriminant - b) / (2 * flopsPerLoadedToken);
  }

  private double byHalving(double context) {
    double low = 0;
    double high = context;
    for (int i = 0; i < HALVINGS; i++) {
      double cached = (low + high) / 2;
      if (loadNanos(cached) < computeNanos(context - cached, cached)) {
        low = cached;
      } else {
        high = cached;
      }
    }
    return high == context ? Double.POSITIVE_INFINITY : low / (context - low);
  }
}
