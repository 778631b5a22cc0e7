package dev.kappa.device;

/**
 * How a mixture of experts chooses, see {@link Kernels#route}.
 *
 * @param experts how many there are
 * @param perToken how many a row goes to
 * @param normalized whether the chosen experts' probabilities are divided by their sum
 */
public record Router(int experts, int perToken, boolean normalized) {

  public Router {
    if (perToken <= 0 || perToken > experts) {
      throw new IllegalArgumentException(perToken + " of " + experts + " experts");
    }
  }

  /** Bytes of the choices of so many rows. */
  public long choiceBytes(int rows) {
    return 8L * rows * perToken;
  }
}
