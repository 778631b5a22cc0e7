package dev.kappa.plan;

import dev.kappa.roofline.Roofline;
import org.jspecify.annotations.Nullable;

/**
 * What requests can expect of a machine: of link and computation, both of which overlap perfectly.
 * Decode steps and what they take of the device are left out; a replay has them.
 *
 * @param cachedShare share of all prompt tokens that is not computed
 * @param kappa tokens loaded per token computed, over requests
 * @param loadMillis time of a request's load
 * @param computeMillis time of its computation
 * @param aloneMillis time to the first token of a request that has the machine to itself: the
 *     longer of the two
 * @param splitMillis the same where the beginning of a prefix is computed while its end is loaded,
 *     as far as that gains {@value #LEAST_GAIN} or more
 * @param queuedMillis time to the first token in the order of arrival; null if no arrivals are
 *     known, or more arrive than can be served
 * @param linkBound share of requests that load for longer than they compute
 * @param linkUse share of the time that the link is needed; above 1 for more than it has; null if
 *     no arrivals are known
 * @param deviceUse the same of the device, for prompts
 */
public record Expectation(
    double cachedShare,
    Distribution kappa,
    Distribution loadMillis,
    Distribution computeMillis,
    Distribution aloneMillis,
    Distribution splitMillis,
    @Nullable Distribution queuedMillis,
    double linkBound,
    @Nullable Double linkUse,
    @Nullable Double deviceUse) {

  /** Below it, the engine loads all of a prefix. */
  private static final double LEAST_GAIN = 0.05;

  private static final double NANOS_PER_MILLI = 1e6;
  private static final double MILLIS_PER_SECOND = 1e3;

  /** The times of each request, in milliseconds. */
  private record Times(
      double[] load, double[] compute, double[] alone, double[] split, double linkBound) {

    static Times of(Demand demand, Roofline roofline) {
      int count = demand.requests();
      Times times =
          new Times(new double[count], new double[count], new double[count], new double[count], 0);
      int bound = 0;
      for (int i = 0; i < count; i++) {
        times.load[i] = roofline.loadNanos(demand.loaded()[i]) / NANOS_PER_MILLI;
        times.compute[i] =
            roofline.computeNanos(demand.computed()[i], demand.cached()[i]) / NANOS_PER_MILLI;
        times.alone[i] = Math.max(times.load[i], times.compute[i]);
        double split =
            roofline.splitNanos(demand.loaded()[i], demand.cached()[i], demand.computed()[i])
                / NANOS_PER_MILLI;
        boolean gains = (1 + LEAST_GAIN) * split <= times.alone[i];
        times.split[i] = gains ? split : times.alone[i];
        if (times.load[i] > times.compute[i]) {
          bound++;
        }
      }
      return new Times(times.load, times.compute, times.alone, times.split, bound / (double) count);
    }

    /**
     * Link and device each serve requests in the order of arrival; a request is done when both are
     * done with it.
     */
    Distribution queued(double[] arrival) {
      double[] waited = new double[arrival.length];
      double linkFree = 0;
      double deviceFree = 0;
      for (int i = 0; i < arrival.length; i++) {
        linkFree = Math.max(arrival[i], linkFree) + load[i];
        deviceFree = Math.max(arrival[i], deviceFree) + compute[i];
        double loaded = load[i] == 0 ? arrival[i] : linkFree;
        waited[i] = Math.max(loaded, deviceFree) - arrival[i];
      }
      return Distribution.of(waited);
    }
  }

  /** Requests that arrive as they do in a trace. */
  static Expectation ofTrace(Demand demand, Roofline roofline) {
    Times times = Times.of(demand, roofline);
    double[] arrival = demand.arrivalMillis();
    double length = arrival[arrival.length - 1] - arrival[0];
    boolean spread = length > 0;
    return of(
        demand,
        times,
        times.queued(arrival),
        spread ? (Double) (sum(times.load) / length) : null,
        spread ? (Double) (sum(times.compute) / length) : null);
  }

  /**
   * Requests all alike that arrive at random. Each of link and device is then a queue of the kind
   * M/D/1, where a request waits {@code ρ · s / (2 · (1 - ρ))} on average for a service of length s
   * (Pollaczek and Khinchine); p50 to p99 are left at that mean.
   *
   * @param rate per second; 0 for one request alone
   */
  static Expectation ofEqual(Demand demand, Roofline roofline, double rate) {
    Times times = Times.of(demand, roofline);
    if (rate == 0) {
      return of(demand, times, null, null, null);
    }
    double perMilli = rate / MILLIS_PER_SECOND;
    double load = times.load[0];
    double compute = times.compute[0];
    double mean = Math.max(sojourn(load, perMilli), sojourn(compute, perMilli));
    Distribution queued = Double.isInfinite(mean) ? null : new Distribution(mean, mean, mean, mean);
    return of(demand, times, queued, load * perMilli, compute * perMilli);
  }

  private static double sojourn(double service, double rate) {
    double use = service * rate;
    return use >= 1 ? Double.POSITIVE_INFINITY : service + use * service / (2 * (1 - use));
  }

  private static Expectation of(
      Demand demand,
      Times times,
      @Nullable Distribution queued,
      @Nullable Double linkUse,
      @Nullable Double deviceUse) {
    return new Expectation(
        demand.cachedShare(),
        Distribution.of(demand.kappaOfLoaded()),
        Distribution.of(times.load),
        Distribution.of(times.compute),
        Distribution.of(times.alone),
        Distribution.of(times.split),
        queued,
        times.linkBound,
        linkUse,
        deviceUse);
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }
}
