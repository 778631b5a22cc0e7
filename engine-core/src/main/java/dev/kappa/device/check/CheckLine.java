package dev.kappa.device.check;

/**
 * What one check found.
 *
 * @param what the kernel or copy
 * @param shape of its arguments, for people
 * @param tolerance the error that is allowed, relative to a result's size or, where that is larger,
 *     to the root mean square of all results; 0 where bits must be equal
 * @param error the largest error, in tolerances; 0 where bits are equal
 * @param nanos device time of a call; 0 if it was not timed
 * @param bytes moved by a call, 0 where its rate says nothing
 * @param flops done by a call, 0 where their rate says nothing
 * @param problem why it failed; empty if it passed
 */
public record CheckLine(
    String what,
    String shape,
    double tolerance,
    double error,
    long nanos,
    long bytes,
    long flops,
    String problem) {

  static CheckLine failed(String what, String shape, String problem) {
    return new CheckLine(what, shape, 0, Double.NaN, 0, 0, 0, problem);
  }

  public boolean passed() {
    return problem.isEmpty();
  }
}
