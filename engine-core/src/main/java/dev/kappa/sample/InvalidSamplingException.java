package dev.kappa.sample;

/** A sampling parameter out of range. */
public final class InvalidSamplingException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final String parameter;

  public InvalidSamplingException(String parameter, String message) {
    super(message);
    this.parameter = parameter;
  }

  /** The parameter's name in the HTTP API, for example {@code top_p}. */
  public String parameter() {
    return parameter;
  }

  static void require(boolean holds, String parameter, String expected) {
    if (!holds) {
      throw new InvalidSamplingException(parameter, parameter + " must be " + expected);
    }
  }
}
