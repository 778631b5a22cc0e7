package dev.kappa.engine;

import dev.kappa.device.Device;
import dev.kappa.kv.KvStats;
import dev.kappa.kv.StorePolicy;
import dev.kappa.model.ModelDirectory;
import dev.kappa.roofline.Line;
import dev.kappa.roofline.MeasuredRates;
import dev.kappa.sample.SamplingParams;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Measures how fast a model runs on a device: prefills of several lengths behind several lengths of
 * context, decode steps, and the best copies over the link. Weights are random, so that a model's
 * {@code config.json} is enough. For one thread.
 */
public final class MachineProbe {

  private static final int LONGEST = 10_304;
  private static final int SHORT_CONTEXT = 64;
  private static final int DECODES = 16;

  /** Longest context behind which a prefill is measured, in prefills of the longest. */
  private static final int DEPTH = 4;

  /** A moment at which the machine was busy is not a machine that is. */
  private static final int ATTEMPTS = 3;

  private static final long HOST_BYTES = 256L << 20;

  private final Settings settings;
  private final Engine engine;
  private final Random random = new Random(1);
  private final int[] fresh;
  private final int[] depths;
  private final int[] contexts;

  /**
   * How to measure.
   *
   * @param maxBatchedTokens most tokens in a step, and of the longest prefill; 0 for the engine's
   *     choice
   * @param warmUps rounds that do not count
   * @param rounds rounds whose medians count
   * @param pause called again and again while waiting; where time is virtual, it has to drive it
   */
  public record Settings(int maxBatchedTokens, int warmUps, int rounds, Runnable pause) {}

  /**
   * What was found.
   *
   * @param maxBatchedTokens most tokens in a step, which the rates are for
   */
  public record Found(MeasuredRates rates, int maxBatchedTokens) {}

  private MachineProbe(Engine engine, Settings settings) {
    this.engine = engine;
    this.settings = settings;
    int block = engine.info().blockTokens();
    int limit = engine.info().maxModelLength() - DECODES - 1;
    int longest = Math.min(engine.info().maxBatchedTokens(), limit / 2);
    int depth = Math.min(DEPTH * longest, limit - longest) / block * block;
    if (depth < block || longest < 4) {
      throw new EngineException(
          EngineException.Kind.INVALID_REQUEST,
          null,
          "a context of %d tokens is too short to measure a machine with"
              .formatted(engine.info().maxModelLength()));
    }
    fresh = new int[] {longest, longest / 2, longest / 4};
    depths = new int[] {0, Math.max(block, depth / 2 / block * block), depth};
    contexts = new int[] {Math.min(SHORT_CONTEXT, block), depth};
  }

  /**
   * Measures; takes some seconds, or as long as a few dozen prefills take.
   *
   * @param model a model's folder; only its {@code config.json} is needed
   * @param device with nothing else running on it
   * @throws EngineException if the model's context is too short, or the machine too busy to tell
   *     anything
   * @throws dev.kappa.model.ModelException if the engine cannot run the model
   * @throws dev.kappa.device.DeviceException if it does not fit
   */
  public static Found measure(Path model, Device device, Settings settings) {
    int positions = ModelDirectory.open(model).config().maxPositions();
    EngineOptions options =
        EngineOptions.builder()
            .maxModelLength(Math.min(LONGEST, positions))
            .maxSequences(2)
            .maxBatchedTokens(settings.maxBatchedTokens)
            .dummyWeights(true)
            .hostBytes(HOST_BYTES)
            // So that no store is under way beside what is measured.
            .storePolicy(StorePolicy.WRITE_BACK)
            .build();
    try (Engine engine = Engine.builder(model).options(options).start(device)) {
      MachineProbe probe = new MachineProbe(engine, settings);
      MeasuredRates rates = null;
      for (int attempt = 0; rates == null && attempt < ATTEMPTS; attempt++) {
        rates = probe.measure();
      }
      if (rates == null) {
        throw busy();
      }
      return new Found(rates, engine.info().maxBatchedTokens());
    }
  }

  /** Null if something else had so much of the machine that the times say nothing. */
  private @Nullable MeasuredRates measure() {
    double[][][] prefills = new double[depths.length][fresh.length][settings.rounds];
    double[][] decodes = new double[contexts.length][settings.rounds];
    for (int round = -settings.warmUps; round < settings.rounds; round++) {
      int at = Math.max(0, round);
      int[] base = tokens(depths[depths.length - 1]);
      run(base, 1);
      for (int d = 0; d < depths.length; d++) {
        for (int f = 0; f < fresh.length; f++) {
          prefills[d][f][at] = prefill(Arrays.copyOf(base, depths[d]), fresh[f]);
        }
      }
      for (int c = 0; c < contexts.length; c++) {
        decodes[c][at] = decode(Arrays.copyOf(base, contexts[c]));
      }
      await(engine.clearCache(true, true));
    }
    return rates(prefills, decodes);
  }

  private @Nullable MeasuredRates rates(double[][][] prefills, double[][] decodes) {
    double pair = pairNanos(prefills);
    double[] work = new double[fresh.length];
    double[] products = new double[fresh.length];
    for (int f = 0; f < fresh.length; f++) {
      double time = median(prefills[0][f]);
      work[f] = fresh[f];
      products[f] = time - pair * fresh[f] * (fresh[f] + 1) / 2.0;
    }
    if (!(pair > 0) || Arrays.stream(products).anyMatch(nanos -> !(nanos > 0))) {
      return null;
    }
    Line tokens = Line.fit(work, products);
    if (!(tokens.perUnit() > 0)) {
      return null;
    }
    Line steps =
        Line.fit(
            Arrays.stream(contexts).asDoubleStream().toArray(),
            Arrays.stream(decodes).mapToDouble(MachineProbe::median).toArray());
    KvStats kv = engine.stats().kv();
    return new MeasuredRates(
        tokens.fixed(),
        Math.max(tokens.perUnit(), steps.fixed() - tokens.fixed()),
        tokens.perUnit(),
        Math.max(pair, steps.perUnit()),
        pair,
        kv.loads().ceiling(),
        kv.stores().ceiling());
  }

  /** By how much a prefill takes longer behind a context, per pair of a new token and an old. */
  private double pairNanos(double[][][] prefills) {
    double covariance = 0;
    double variance = 0;
    for (int d = 1; d < depths.length; d++) {
      for (int f = 0; f < fresh.length; f++) {
        double pairs = (double) depths[d] * fresh[f];
        covariance += pairs * (median(prefills[d][f]) - median(prefills[0][f]));
        variance += pairs * pairs;
      }
    }
    return covariance / variance;
  }

  /** Nanoseconds of the step that computes so many tokens behind cached ones. */
  private double prefill(int[] cached, int count) {
    int[] prompt = IntStream.concat(IntStream.of(cached), IntStream.of(tokens(count))).toArray();
    Finish finish = run(prompt, 1);
    if (finish.usage().deviceTokens() != cached.length) {
      throw new IllegalStateException(
          "%d of %d tokens are cached".formatted(finish.usage().deviceTokens(), cached.length));
    }
    return finish.account().computeNanos();
  }

  /** Nanoseconds of a decode step behind a context. */
  private double decode(int[] context) {
    Finish.Timings timings = run(context, DECODES + 1).timings();
    return (double) (timings.total() - timings.firstToken()) / DECODES;
  }

  private int[] tokens(int count) {
    return random.ints(count, 0, engine.info().model().vocabularySize()).toArray();
  }

  private Finish run(int[] prompt, int generate) {
    SamplingParams sampling =
        SamplingParams.builder().temperature(0).maxTokens(generate).ignoreEos(true).build();
    return await(engine.complete(new GenerationRequest("probe", prompt, sampling)));
  }

  private <T> T await(CompletableFuture<T> future) {
    while (!future.isDone()) {
      settings.pause.run();
    }
    return future.join();
  }

  private static EngineException busy() {
    return new EngineException(
        EngineException.Kind.UNAVAILABLE,
        null,
        "longer prefills did not take longer; the machine is too busy to be measured");
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
