package dev.kappa.model;

import dev.kappa.device.Router;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;

/**
 * A model's mixture of experts.
 *
 * @param router how many there are in a layer, and how a token's are chosen
 * @param width of an expert
 * @param denseLayers layers that have one feed-forward part for all tokens instead
 */
public record Mixture(Router router, int width, Set<Integer> denseLayers) {

  public Mixture {
    // Sorted, since configs are hashed as text.
    denseLayers = Collections.unmodifiableSortedSet(new TreeSet<>(denseLayers));
  }

  /** Experts of a layer. */
  public int experts() {
    return router.experts();
  }
}
