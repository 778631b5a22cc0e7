package dev.kappa.bench;

import dev.kappa.device.DeviceInfo;
import dev.kappa.kv.RestoreMode;
import dev.kappa.roofline.HardwareProfile;
import dev.kappa.roofline.Line;
import dev.kappa.roofline.ModelShape;
import dev.kappa.roofline.Roofline;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What a sweep over κ gave; this is also the schema of its JSON file. All times are seconds, all
 * rates per second; what is infinite or unknown is written as a string, {@code "Infinity"} or
 * {@code "NaN"}.
 *
 * @param machine where it ran
 * @param device what computed
 * @param model the model's folder, as given
 * @param shape the model's sizes; its active parameters are those that every prompt token is
 *     multiplied with, that is, without embedding and output projection
 * @param options what was asked for
 * @param calibration what the predictions rest on, measured before the sweep
 * @param kappaCritical where loading and computing take equally long
 * @param points one row per κ
 * @param samples all measurements, in the order in which they were made
 */
record SweepResult(
    Machine machine,
    DeviceInfo device,
    String model,
    ModelShape shape,
    Options options,
    Calibration calibration,
    KappaCritical kappaCritical,
    List<Row> points,
    List<Sample> samples) {

  /**
   * What was asked for, after defaults were chosen.
   *
   * @param context N, tokens of every request
   * @param rounds measurements of each kind
   * @param blockTokens tokens in a KV block
   * @param maxBatchedTokens most tokens in a step
   * @param linkBandwidth bytes per second that the link is throttled to; 0 for no throttle
   * @param dummyWeights whether weights were random
   * @param seed of prompts and dummy weights
   */
  record Options(
      int context,
      int rounds,
      int blockTokens,
      int maxBatchedTokens,
      long linkBandwidth,
      boolean dummyWeights,
      long seed) {}

  /**
   * What the predictions rest on.
   *
   * @param linkBytesPerSecond what the throttle allows, or else the ceiling
   * @param ceilingBytesPerSecond the best copy to the device at start-up
   * @param compute seconds by FLOPs of a prefill
   * @param prefills what {@code compute} was fitted to, by their medians
   */
  record Calibration(
      double linkBytesPerSecond,
      double ceilingBytesPerSecond,
      Line compute,
      List<Prefill> prefills) {}

  /** A prefill of so many tokens behind so many that were on the device. */
  record Prefill(int cached, int fresh, double seconds) {}

  /**
   * κ_crit of the context.
   *
   * @param predicted from the calibrated rates alone
   * @param measured where the lines below cross
   * @param load seconds by bytes, fitted to the medians of whole loads from admission to the end
   * @param compute seconds by FLOPs, fitted to the medians of computing after whole loads
   */
  record KappaCritical(double predicted, double measured, Line load, Line compute) {}

  /** One measurement. */
  record Sample(RestoreMode mode, int round, int cached, int fresh, RequestSplit split) {}

  /**
   * Medians for one κ.
   *
   * @param predictedLoad K · b / BW
   * @param predictedCompute by the calibration
   * @param recompute all tokens computed, by an engine without host memory
   * @param loadWhole the prefix loaded, then the rest computed
   * @param load computing begun as soon as the load allows
   * @param auto the prefix computed in part, as far as that is faster
   * @param linkBytesPerSecond bytes by the device's copy time in mode {@code load}
   * @param linkFraction the same as a share of the calibrated link
   */
  record Row(
      int cached,
      int fresh,
      double kappa,
      double predictedLoad,
      double predictedCompute,
      RequestSplit recompute,
      RequestSplit loadWhole,
      RequestSplit load,
      RequestSplit auto,
      double linkBytesPerSecond,
      double linkFraction) {}

  /** Computes what follows from calibration and samples. */
  static SweepResult of(
      Machine machine,
      DeviceInfo device,
      String model,
      ModelShape shape,
      Options options,
      Calibration calibration,
      List<SweepPoint> points,
      List<Sample> samples) {
    List<Row> rows = points.stream().map(point -> row(point, shape, calibration, samples)).toList();
    return new SweepResult(
        machine,
        device,
        model,
        shape,
        options,
        calibration,
        critical(shape, options, calibration, rows),
        rows,
        samples);
  }

  /** Seconds by FLOPs, through the medians of equal prefills. */
  static Line fit(ModelShape shape, List<Prefill> prefills) {
    int[] lengths = prefills.stream().mapToInt(Prefill::cached).distinct().toArray();
    double[] flops = new double[lengths.length];
    double[] seconds = new double[lengths.length];
    for (int i = 0; i < lengths.length; i++) {
      int cached = lengths[i];
      List<Prefill> equal = prefills.stream().filter(p -> p.cached == cached).toList();
      flops[i] = shape.flops(equal.getFirst().fresh, cached);
      seconds[i] = Statistics.median(equal.stream().mapToDouble(Prefill::seconds).toArray());
    }
    return Line.fit(flops, seconds);
  }

  /** κ_crit by the roofline, from rates alone. */
  static double predictedKappa(ModelShape shape, Calibration calibration, int context) {
    HardwareProfile hardware =
        new HardwareProfile(
            "this machine",
            calibration.compute.rate(),
            calibration.linkBytesPerSecond,
            Double.POSITIVE_INFINITY,
            Double.POSITIVE_INFINITY,
            0,
            0);
    return new Roofline(shape, hardware).kappaCritical(context);
  }

  private static KappaCritical critical(
      ModelShape shape, Options options, Calibration calibration, List<Row> rows) {
    double predicted = predictedKappa(shape, calibration, options.context);
    if (rows.size() < 2) {
      Line unknown = new Line(Double.NaN, Double.NaN);
      return new KappaCritical(predicted, Double.NaN, unknown, unknown);
    }
    double[] bytes = rows.stream().mapToDouble(row -> row.loadWhole.bytes()).toArray();
    double[] waits = rows.stream().mapToDouble(row -> row.loadWhole.loading()).toArray();
    double[] flops = rows.stream().mapToDouble(row -> shape.flops(row.fresh, row.cached)).toArray();
    double[] computes = rows.stream().mapToDouble(row -> row.loadWhole.compute()).toArray();
    Line load = Line.fit(bytes, waits);
    Line compute = Line.fit(flops, computes);
    double measured = Crossing.kappa(load, compute, shape, options.context);
    return new KappaCritical(predicted, measured, load, compute);
  }

  private static Row row(
      SweepPoint point, ModelShape shape, Calibration calibration, List<Sample> samples) {
    RequestSplit load = median(samples, point, RestoreMode.LOAD);
    double rate = load.bytes() / load.copy();
    return new Row(
        point.cached(),
        point.fresh(),
        point.kappa(),
        (double) shape.kvBytesPerToken() * point.cached() / calibration.linkBytesPerSecond,
        calibration.compute.at(shape.flops(point.fresh(), point.cached())),
        median(samples, point, RestoreMode.RECOMPUTE),
        median(samples, point, RestoreMode.LOAD_WHOLE),
        load,
        median(samples, point, RestoreMode.AUTO),
        rate,
        rate / calibration.linkBytesPerSecond);
  }

  private static RequestSplit median(List<Sample> samples, SweepPoint point, RestoreMode mode) {
    RequestSplit[] splits =
        samples.stream()
            .filter(s -> s.mode == mode && s.cached == point.cached())
            .map(Sample::split)
            .toArray(RequestSplit[]::new);
    return new RequestSplit(
        median(splits, RequestSplit::first),
        median(splits, RequestSplit::queue),
        median(splits, RequestSplit::loading),
        median(splits, RequestSplit::copy),
        median(splits, RequestSplit::compute),
        median(splits, RequestSplit::overlap),
        splits[0].bytes());
  }

  private static double median(RequestSplit[] splits, ToDoubleFunction<RequestSplit> value) {
    return Statistics.median(Arrays.stream(splits).mapToDouble(value).toArray());
  }
}
