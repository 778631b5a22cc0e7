package dev.kappa.plan;

/** A plan that cannot be made, or a trace that cannot be read. */
public final class PlanException extends RuntimeException {

  private static final long serialVersionUID = 1;

  public PlanException(String message) {
    super(message);
  }

  public PlanException(String message, Throwable cause) {
    super(message, cause);
  }
}
