package dev.kappa.bench;

import dev.kappa.device.Device;
import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineOptions;
import dev.kappa.kv.KvLayout;
import dev.kappa.kv.KvStats;
import dev.kappa.kv.StorePolicy;
import dev.kappa.model.ModelConfig;
import dev.kappa.model.ModelDirectory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What keeping KV in host memory costs where nothing is ever asked twice: the same kind of traffic,
 * all prompts unique, on an engine with host memory and on one without, in turns on one device.
 * Host memory holds a few batches, so that it is full, and evicting, most of the time. Not
 * thread-safe.
 */
final class OffloadOverhead implements AutoCloseable {

  private static final int WARM_UPS = 3;

  /** Batches whose KV fits into host memory. */
  private static final int HOST_BATCHES = 3;

  private final Settings settings;
  private final Random random;
  private final EngineProbe with;
  private final EngineProbe without;

  /**
   * What to measure.
   *
   * @param requests requests of a batch, submitted at once
   * @param prompt tokens of each prompt
   * @param generate tokens generated for each
   * @param maxBatchedTokens most tokens in a step; 0 for the engine's choice
   * @param storePolicy when the engine with host memory stores
   * @param traceOut where to write a trace of the engine with host memory; null for none
   */
  record Settings(
      Path model,
      int requests,
      int prompt,
      int generate,
      int pairs,
      int maxBatchedTokens,
      StorePolicy storePolicy,
      boolean dummyWeights,
      long seed,
      @Nullable Path traceOut) {}

  /**
   * One turn of both.
   *
   * @param withTokensPerSecond prompt and generated tokens with host memory
   * @param withoutTokensPerSecond the same without
   */
  record Pair(double withTokensPerSecond, double withoutTokensPerSecond) {

    double ratio() {
      return withTokensPerSecond / withoutTokensPerSecond;
    }
  }

  /**
   * @param stores what was stored in all of it, warming up included
   * @param interval 95 % confidence interval of the ratios' median
   */
  record Result(
      List<Pair> pairs, double medianRatio, Statistics.Interval interval, KvStats stores) {}

  /**
   * @param pause see {@link EngineProbe}
   */
  OffloadOverhead(Settings settings, Device device, Runnable pause) {
    this.settings = settings;
    random = new Random(settings.seed);
    without = new EngineProbe(start(device, false), pause);
    Engine offloading = null;
    try {
      offloading = start(device, true);
    } finally {
      if (offloading == null) {
        without.engine().close();
      }
    }
    with = new EngineProbe(offloading, pause);
  }

  Result run() {
    for (int i = 0; i < WARM_UPS; i++) {
      tokensPerSecond(with);
      tokensPerSecond(without);
    }
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < settings.pairs; i++) {
      boolean first = i % 2 == 0;
      double one = tokensPerSecond(first ? with : without);
      double other = tokensPerSecond(first ? without : with);
      pairs.add(first ? new Pair(one, other) : new Pair(other, one));
    }
    double[] ratios = pairs.stream().mapToDouble(Pair::ratio).toArray();
    return new Result(
        pairs,
        Statistics.median(ratios),
        Statistics.medianInterval(ratios, settings.seed),
        with.awaitIdle());
  }

  @Override
  public void close() {
    with.engine().close();
    without.engine().close();
  }

  /** From submission until the last of the requests has ended; both engines are idle before. */
  private double tokensPerSecond(EngineProbe probe) {
    List<int[]> prompts =
        IntStream.range(0, settings.requests)
            .mapToObj(i -> probe.randomTokens(settings.prompt, random))
            .toList();
    with.awaitIdle();
    without.awaitIdle();
    long nanos =
        probe.runAll(prompts, settings.generate).stream()
            .mapToLong(finish -> finish.timings().total())
            .max()
            .orElseThrow();
    return (double) settings.requests * (settings.prompt + settings.generate) * 1e9 / nanos;
  }

  private Engine start(Device device, boolean offloading) {
    ModelConfig config = ModelDirectory.open(settings.model).config();
    int length = settings.prompt + settings.generate;
    KvLayout token =
        new KvLayout(config.layers(), config.kvHeads(), config.headDim(), 1, config.dtype());
    int blockTokens = KvLayout.defaultBlockTokens(token.bytesPerToken());
    int blocks = settings.requests * (Math.ceilDiv(length, blockTokens) + 1);
    EngineOptions options =
        EngineOptions.builder()
            .maxModelLength(length)
            .blockTokens(blockTokens)
            .numBlocks(blocks)
            .maxSequences(settings.requests)
            .maxBatchedTokens(settings.maxBatchedTokens)
            .dummyWeights(settings.dummyWeights)
            .hostBytes(
                offloading ? (long) HOST_BATCHES * blocks * blockTokens * token.bytesPerToken() : 0)
            .storePolicy(settings.storePolicy)
            .warmUp(true)
            .seed(settings.seed)
            .build();
    return Engine.builder(settings.model)
        .options(options)
        .trace(offloading ? settings.traceOut : null)
        .start(device);
  }
}
