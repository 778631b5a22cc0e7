package dev.kappa.bench;

import dev.kappa.plan.PlanException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;

/**
 * A request to measure.
 *
 * @param cached K, the tokens of its prefix; whole blocks
 * @param fresh T, the tokens after it
 */
record SweepPoint(int cached, int fresh) {

  private static final double SMALLEST = 0.25;
  private static final double LARGEST = 100;

  /** Spread over the range, and multiples of κ_crit close together around it. */
  private static final double[] SPREAD = {0.25, 1, 4, 16, 100};

  private static final double[] AROUND = {0.35, 0.6, 1, 1.7, 2.8};

  /** κ. */
  double kappa() {
    return cached / (double) fresh;
  }

  /**
   * The requests of a context whose κ are nearest to those wanted, by rising κ; prefixes are whole
   * blocks, so that neighbours may fall together.
   *
   * @param context N, tokens of every request
   * @throws PlanException if it has no room for a prefix
   */
  static List<SweepPoint> of(Collection<Double> kappas, int context, int blockTokens) {
    TreeMap<Integer, SweepPoint> points = new TreeMap<>();
    int mostBlocks = (context - 1) / blockTokens;
    if (mostBlocks < 1) {
      throw new PlanException(
          "a context of %d tokens has no whole block of %d before its last token"
              .formatted(context, blockTokens));
    }
    for (double kappa : kappas) {
      if (!(kappa > 0)) {
        throw new IllegalArgumentException("κ must be positive, but is " + kappa);
      }
      long blocks = Math.round(context * (kappa / (1 + kappa)) / blockTokens);
      int cached = (int) Math.clamp(blocks, 1, mostBlocks) * blockTokens;
      points.put(cached, new SweepPoint(cached, context - cached));
    }
    return List.copyOf(points.values());
  }

  /** Which κ to measure if nobody says: all orders of magnitude, and more of them near κ_crit. */
  static List<Double> kappasAround(double critical) {
    List<Double> kappas = new ArrayList<>();
    for (double kappa : SPREAD) {
      kappas.add(kappa);
    }
    for (double multiple : AROUND) {
      double kappa = critical * multiple;
      if (kappa >= SMALLEST && kappa <= LARGEST) {
        kappas.add(kappa);
      }
    }
    return kappas;
  }
}
