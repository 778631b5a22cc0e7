package dev.kappa.schedule;

import java.util.Arrays;

/**
 * How long a step takes, learned from the steps that ran. By the roofline, its matrix products take
 * as long as reading the weights or as their arithmetic, whichever is longer, and its attention as
 * long as reading KV or as its arithmetic; and something on top comes with every step:
 *
 * <pre>{@code fixed + max(weights, row · rows) + max(context · tokens, pair · pairs)}</pre>
 *
 * <p>The five times are tracked by a Kalman filter (R. E. Kalman, J. Basic Eng. 82, 1960): it needs
 * few steps, and keeps what it knows of big steps while there are only small ones. The model's
 * sizes give the proportions to begin with, the first step the scale. Not thread-safe.
 */
public final class StepCost {

  private static final int FIXED = 0;
  private static final int WEIGHTS = 1;
  private static final int ROW = 2;
  private static final int CONTEXT = 3;
  private static final int PAIR = 4;
  private static final int PARTS = 5;

  /**
   * Rows whose arithmetic takes as long as reading the weights, until measured. More than on any
   * machine known (an H100's ratings make it 295): of two parts, one that is thought too long is
   * taken to be the longer, and corrected; one that is thought too short hides behind the other.
   */
  private static final double KNEE_ROWS = 300;

  /** What comes on top of every step, as a share of reading the weights, until measured. */
  private static final double FIXED_SHARE = 0.1;

  /** How far off the first proportions may be. */
  private static final double UNCERTAINTY = 0.3;

  /** How far steps are off that do the same. */
  private static final double NOISE = 0.02;

  /** By how much each time may change from step to step. */
  private static final double DRIFT = 0.01;

  /** Least share of its first value that a time can have; none is negative. */
  private static final double LEAST = 1e-4;

  /** By how much more a token may cost in a step that is short for others' sake. */
  private static final double EFFICIENCY_LOSS = 0.05;

  private final double[] units = new double[PARTS];
  private final double[] times = new double[PARTS];
  private final double[][] covariance = new double[PARTS][PARTS];
  private final double[] work = new double[PARTS];
  private final double[] gain = new double[PARTS];
  private double scale;

  /**
   * @param flopsPerToken operations of a token besides attention: twice the parameters
   * @param flopsPerPair operations of a token's attention to one token: {@code 4 · layers · heads ·
   *     headDim}
   * @param weightBytes bytes of all parameters
   * @param kvBytesPerToken bytes of a token's keys and values
   */
  public StepCost(
      double flopsPerToken, double flopsPerPair, double weightBytes, double kvBytesPerToken) {
    units[WEIGHTS] = KNEE_ROWS * flopsPerToken;
    units[FIXED] = FIXED_SHARE * units[WEIGHTS];
    units[ROW] = flopsPerToken;
    units[CONTEXT] = units[WEIGHTS] * kvBytesPerToken / weightBytes;
    units[PAIR] = flopsPerPair;
  }

  /** Learns from a step that ran without waiting for anything. */
  public void observe(StepWork done, long nanos) {
    if (scale == 0) {
      begin(done, nanos);
    }
    double error = nanos - predict(done);
    double variance = Math.pow(NOISE * nanos, 2);
    for (int i = 0; i < PARTS; i++) {
      covariance[i][i] += Math.pow(DRIFT * times[i], 2);
    }
    for (int i = 0; i < PARTS; i++) {
      gain[i] = dot(covariance[i], work);
      variance += gain[i] * work[i];
    }
    // The covariance is symmetric, so that the gain is also the row that it is reduced by.
    for (int i = 0; i < PARTS; i++) {
      for (int j = 0; j < PARTS; j++) {
        covariance[i][j] -= gain[i] * gain[j] / variance;
      }
      times[i] = Math.max(LEAST, times[i] + gain[i] * error / variance);
    }
  }

  /** Whether there was a step to learn from. */
  public boolean isKnown() {
    return scale > 0;
  }

  /** The time that a step probably takes; 0 before the first. */
  public long nanos(StepWork wanted) {
    return scale == 0 ? 0 : (long) predict(wanted);
  }

  /** Nanoseconds that come on top of every step; 0 before the first. */
  public double fixedNanos() {
    return time(FIXED);
  }

  /** Nanoseconds that the products take however few tokens there are. */
  public double weightsNanos() {
    return time(WEIGHTS);
  }

  /** Nanoseconds that a new token takes in the products, where there are many. */
  public double rowNanos() {
    return time(ROW);
  }

  /** Nanoseconds that attention takes for each token that is seen, however few see it. */
  public double contextNanos() {
    return time(CONTEXT);
  }

  /** Nanoseconds that attention takes for each pair of tokens, where there are many. */
  public double pairNanos() {
    return time(PAIR);
  }

  private double time(int part) {
    return scale * units[part] * times[part];
  }

  /**
   * The time that consecutive tokens of a sequence probably take in steps that have nothing else to
   * do.
   *
   * @param start position of the first
   * @param most most tokens in a step
   */
  public long nanos(int start, int count, int most) {
    long sum = 0;
    for (int done = 0; done < count; done += most) {
      sum += nanos(StepWork.NONE.plus(start + done, Math.min(most, count - done)));
    }
    return sum;
  }

  /**
   * The fewest consecutive tokens of a sequence that a step computes nearly as efficiently as it
   * would many: shorter steps let others in sooner.
   *
   * @param start position of the first
   * @param most how many they would be otherwise
   */
  public int efficientRows(int start, int most) {
    double best = (1 + EFFICIENCY_LOSS) * nanos(StepWork.NONE.plus(start, most)) / most;
    int over = 0;
    int fits = most;
    while (fits - over > 1) {
      int middle = (fits + over) >>> 1;
      if (nanos(StepWork.NONE.plus(start, middle)) <= best * middle) {
        fits = middle;
      } else {
        over = middle;
      }
    }
    return fits;
  }

  private void begin(StepWork done, long nanos) {
    Arrays.fill(times, 1);
    for (int i = 0; i < PARTS; i++) {
      covariance[i][i] = UNCERTAINTY * UNCERTAINTY;
    }
    scale = 1;
    scale = Math.max(1, nanos) / predict(done);
  }

  /** Leaves in {@link #work} what each of the times is multiplied by. */
  private double predict(StepWork wanted) {
    work[FIXED] = scale * units[FIXED];
    longer(WEIGHTS, 1, ROW, wanted.rows());
    longer(CONTEXT, wanted.context(), PAIR, wanted.pairs());
    return dot(times, work);
  }

  private void longer(int memory, double bytes, int arithmetic, double operations) {
    work[memory] = scale * units[memory] * bytes;
    work[arithmetic] = scale * units[arithmetic] * operations;
    if (work[memory] * times[memory] >= work[arithmetic] * times[arithmetic]) {
      work[arithmetic] = 0;
    } else {
      work[memory] = 0;
    }
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < PARTS; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
