package dev.kappa.bench;

import dev.kappa.device.Device;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineInfo;
import dev.kappa.engine.EngineOptions;
import dev.kappa.engine.Finish;
import dev.kappa.kv.KvLayout;
import dev.kappa.kv.KvStats;
import dev.kappa.kv.RestoreMode;
import dev.kappa.model.ModelConfig;
import dev.kappa.model.ModelDirectory;
import dev.kappa.model.ModelShapes;
import dev.kappa.roofline.ModelShape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Measures requests of one length whose prefixes of different lengths lie in host memory. How a
 * prefix is restored is fixed when an engine starts, so that there are three engines on one device,
 * which take turns. The one that recomputes has no host memory: it is what an engine without
 * offloading would do. Not thread-safe.
 */
final class KappaSweep implements AutoCloseable {

  /** Prefills to calibrate with, beside that of a whole prompt, as κ of tokens on the device. */
  private static final List<Double> CALIBRATION = List.of(1.0, 3.0, 7.0, 15.0, 31.0, 63.0);

  private static final int CALIBRATION_ROUNDS = 3;
  private static final int MIN_WARM_UPS = 2;
  private static final int MAX_WARM_UPS = 6;

  /** Warm is what does not get faster by more than this share. */
  private static final double WARM = 0.1;

  private static final int FILL_ATTEMPTS = 5;

  private final Settings settings;
  private final Random random;
  private final Device device;
  private final Map<RestoreMode, EngineProbe> probes = new EnumMap<>(RestoreMode.class);
  private final ModelShape shape;

  /**
   * What to measure.
   *
   * @param context N, tokens of every request; 0 for as many as the model has positions for, up to
   *     4,096
   * @param kappas which κ to measure; empty for a choice around κ_crit
   * @param rounds how often
   * @param blockTokens tokens in a KV block; 0 for the engine's choice
   * @param maxBatchedTokens most tokens in a step; 0 for the engine's choice
   * @param linkBandwidth what the device's link is throttled to, bytes per second; 0 if it is not
   * @param dummyWeights whether weights are random
   * @param seed of prompts and dummy weights
   * @param traceOut where to write a trace of the engine that loads while it computes; null for
   *     none
   */
  record Settings(
      Path model,
      int context,
      List<Double> kappas,
      int rounds,
      int blockTokens,
      int maxBatchedTokens,
      long linkBandwidth,
      boolean dummyWeights,
      long seed,
      @Nullable Path traceOut) {

    private static final int DEFAULT_CONTEXT = 4096;

    /** With the context chosen. */
    Settings on(ModelConfig config) {
      int most = config.maxPositions() - 1;
      return context > 0 ? this : withContext(Math.min(DEFAULT_CONTEXT, most));
    }

    private Settings withContext(int value) {
      return new Settings(
          model,
          value,
          kappas,
          rounds,
          blockTokens,
          maxBatchedTokens,
          linkBandwidth,
          dummyWeights,
          seed,
          traceOut);
    }
  }

  /**
   * @param pause see {@link EngineProbe}
   * @throws dev.kappa.plan.PlanException if the context has no room for a prefix
   */
  KappaSweep(Settings asked, Device device, Runnable pause) {
    ModelConfig config = ModelDirectory.open(asked.model).config();
    settings = asked.on(config);
    this.device = device;
    random = new Random(settings.seed);
    shape = ModelShapes.of(config).withoutEmbeddings();
    // Before engines are started in vain.
    SweepPoint.of(settings.kappas, settings.context, wantedBlockTokens());
    boolean started = false;
    try {
      for (RestoreMode mode : RestoreMode.values()) {
        EngineOptions options = options(config, mode);
        Path trace = mode == RestoreMode.LOAD ? settings.traceOut : null;
        Engine engine = Engine.builder(settings.model).options(options).trace(trace).start(device);
        probes.put(mode, new EngineProbe(engine, pause));
      }
      started = true;
    } finally {
      if (!started) {
        close();
      }
    }
  }

  /**
   * Warms up, calibrates, measures.
   *
   * @param progress told what goes on
   */
  SweepResult run(Consumer<String> progress) {
    Machine machine = Machine.here();
    progress.accept("warming up");
    warmUp();
    progress.accept("calibrating");
    SweepResult.Calibration calibration = calibrate();
    EngineInfo info = probe(RestoreMode.LOAD).engine().info();
    double critical = SweepResult.predictedKappa(shape, calibration, settings.context);
    List<Double> kappas =
        settings.kappas.isEmpty() ? SweepPoint.kappasAround(critical) : settings.kappas;
    List<SweepPoint> points = SweepPoint.of(kappas, settings.context, info.blockTokens());
    List<SweepResult.Sample> samples = new ArrayList<>();
    for (int round = 0; round < settings.rounds; round++) {
      progress.accept("round %d of %d".formatted(round + 1, settings.rounds));
      for (int i = 0; i < points.size(); i++) {
        for (RestoreMode mode : inTurn(round + i)) {
          SweepPoint point = points.get(i);
          RequestSplit split = RequestSplit.of(measure(mode, point));
          samples.add(new SweepResult.Sample(mode, round, point.cached(), point.fresh(), split));
        }
      }
    }
    return SweepResult.of(
        machine,
        info.device(),
        settings.model.toString(),
        shape,
        new SweepResult.Options(
            settings.context,
            settings.rounds,
            info.blockTokens(),
            info.maxBatchedTokens(),
            settings.linkBandwidth,
            settings.dummyWeights,
            settings.seed),
        calibration,
        points,
        samples);
  }

  @Override
  public void close() {
    probes.values().forEach(probe -> probe.engine().close());
  }

  private EngineOptions options(ModelConfig config, RestoreMode mode) {
    int blockTokens = wantedBlockTokens();
    // A prompt, its output, and a block to spare, twice: stores and calibration want more than one.
    int blocks = 2 * (Math.ceilDiv(settings.context + 1, blockTokens) + 1);
    long hostBytes = blocks * blockTokens * shape.kvBytesPerToken();
    return EngineOptions.builder()
        .maxModelLength(settings.context + 1)
        .blockTokens(blockTokens)
        .numBlocks(blocks)
        .maxBatchedTokens(settings.maxBatchedTokens)
        .dummyWeights(settings.dummyWeights)
        .hostBytes(mode == RestoreMode.RECOMPUTE ? 0 : hostBytes)
        .restore(mode)
        .warmUp(true)
        .seed(settings.seed)
        .build();
  }

  private int wantedBlockTokens() {
    return settings.blockTokens > 0
        ? settings.blockTokens
        : KvLayout.defaultBlockTokens(shape.kvBytesPerToken());
  }

  private EngineProbe probe(RestoreMode mode) {
    EngineProbe probe = probes.get(mode);
    if (probe == null) {
      throw new IllegalStateException("no engine for " + mode);
    }
    return probe;
  }

  private void warmUp() {
    SweepPoint half = SweepPoint.of(List.of(1.0), settings.context, blockTokens()).getFirst();
    for (RestoreMode mode : RestoreMode.values()) {
      double best = Double.POSITIVE_INFINITY;
      for (int i = 0; i < MAX_WARM_UPS; i++) {
        double seconds = RequestSplit.of(measure(mode, half)).first();
        boolean warm = seconds > best * (1 - WARM);
        best = Math.min(best, seconds);
        if (warm && i + 1 >= MIN_WARM_UPS) {
          break;
        }
      }
    }
  }

  private int blockTokens() {
    return probe(RestoreMode.LOAD).engine().info().blockTokens();
  }

  private SweepResult.Calibration calibrate() {
    EngineProbe probe = probe(RestoreMode.RECOMPUTE);
    List<SweepPoint> points = SweepPoint.of(CALIBRATION, settings.context, blockTokens());
    List<SweepResult.Prefill> prefills = new ArrayList<>();
    for (int round = 0; round < CALIBRATION_ROUNDS; round++) {
      int[] whole = probe.randomTokens(settings.context, random);
      prefills.add(prefill(probe, whole, 0));
      for (SweepPoint point : points) {
        int[] prompt = probe.randomTokens(settings.context, random);
        System.arraycopy(whole, 0, prompt, 0, point.cached());
        prefills.add(prefill(probe, prompt, point.cached()));
      }
      probe.forget(true, false);
    }
    double ceiling = probe(RestoreMode.LOAD).kv().loads().ceiling();
    double link = settings.linkBandwidth > 0 ? settings.linkBandwidth : ceiling;
    return new SweepResult.Calibration(link, ceiling, SweepResult.fit(shape, prefills), prefills);
  }

  private SweepResult.Prefill prefill(EngineProbe probe, int[] prompt, int cached) {
    Finish finish = probe.run(prompt, 1);
    check("tokens on the device", finish.usage().cachedTokens(), cached);
    return new SweepResult.Prefill(
        cached, prompt.length - cached, RequestSplit.of(finish).compute());
  }

  /** Begins with another mode every time. */
  private static List<RestoreMode> inTurn(int turn) {
    List<RestoreMode> modes = new ArrayList<>(Arrays.asList(RestoreMode.values()));
    Collections.rotate(modes, turn);
    return modes;
  }

  private Finish measure(RestoreMode mode, SweepPoint point) {
    EngineProbe probe = probe(mode);
    int[] prompt = probe.randomTokens(settings.context, random);
    boolean loads = mode != RestoreMode.RECOMPUTE;
    if (loads) {
      fill(probe, Arrays.copyOf(prompt, point.cached()));
    }
    Finish finish = probe.run(prompt, 1);
    if (mode != RestoreMode.AUTO) {
      check("tokens in host memory", finish.usage().hostTokens(), loads ? point.cached() : 0);
    }
    probe.awaitIdle();
    probe.forget(true, true);
    return finish;
  }

  /** Brings a prefix into host memory, and there only. */
  private void fill(EngineProbe probe, int[] prefix) {
    int blocks = prefix.length / blockTokens();
    for (int i = 0; i < FILL_ATTEMPTS; i++) {
      probe.run(prefix, 1);
      KvStats kv = probe.awaitIdle();
      probe.forget(true, false);
      if (kv.host().cached() >= blocks) {
        return;
      }
    }
    throw new IllegalStateException(
        "%d blocks did not get into host memory: %s".formatted(blocks, probe.kv()));
  }

  private void check(String what, int found, int expected) {
    if (found != expected) {
      throw new IllegalStateException(
          "%s: %d, not %d as they should be, on %s"
              .formatted(what, found, expected, device.info().name()));
    }
  }
}
