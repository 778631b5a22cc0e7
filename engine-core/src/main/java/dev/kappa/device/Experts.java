package dev.kappa.device;

/**
 * The feed-forward parts of a layer with a mixture of experts.
 *
 * @param router how many there are and how many a row goes to
 * @param gateUp gate and up projections, a matrix {@code [2 · intermediate, hidden]} for each
 * @param down a matrix {@code [hidden, intermediate]} for each
 * @param activation of the gate
 */
public record Experts(Router router, Weight gateUp, Weight down, Activation activation) {

  public Experts {
    if (gateUp.matrices() != router.experts()
        || down.matrices() != router.experts()
        || gateUp.rows() != 2 * down.columns()
        || gateUp.columns() != down.rows()) {
      throw new IllegalArgumentException(
          "%s with %d x [%d, %d] and %d x [%d, %d]"
              .formatted(
                  router,
                  gateUp.matrices(),
                  gateUp.rows(),
                  gateUp.columns(),
                  down.matrices(),
                  down.rows(),
                  down.columns()));
    }
  }

  /** Width of the residual stream. */
  public int hidden() {
    return down.rows();
  }

  /** Width of an expert. */
  public int intermediate() {
    return down.columns();
  }
}
