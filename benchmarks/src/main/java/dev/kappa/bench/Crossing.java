package dev.kappa.bench;

import dev.kappa.roofline.Line;
import dev.kappa.roofline.ModelShape;

/** Where the measured lines of loading and of computing cross. */
final class Crossing {

  private static final double SMALLEST = 1e-3;
  private static final double LARGEST = 1e6;
  private static final int HALVINGS = 100;

  private Crossing() {}

  /**
   * κ at which loading K tokens takes as long as computing T behind them, with {@code K + T = N}
   * and {@code κ = K / T}.
   *
   * @param load time by bytes
   * @param compute time by FLOPs
   * @param context N
   * @return 0 if loading always takes longer, infinity if it never does
   */
  static double kappa(Line load, Line compute, ModelShape model, int context) {
    double low = SMALLEST;
    double high = LARGEST;
    if (isLoadLonger(load, compute, model, context, low)) {
      return 0;
    }
    if (!isLoadLonger(load, compute, model, context, high)) {
      return Double.POSITIVE_INFINITY;
    }
    for (int i = 0; i < HALVINGS; i++) {
      double middle = Math.sqrt(low * high);
      if (isLoadLonger(load, compute, model, context, middle)) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return high;
  }

  private static boolean isLoadLonger(
      Line load, Line compute, ModelShape model, int context, double kappa) {
    double fresh = context / (1 + kappa);
    double cached = context - fresh;
    // As ModelShape.flops, for lengths between whole tokens.
    double flops =
        fresh
            * (2.0 * model.activeParameters()
                + model.attentionFlopsPerPair() * (cached + fresh / 2));
    return load.at(cached * model.kvBytesPerToken()) > compute.at(flops);
  }
}
