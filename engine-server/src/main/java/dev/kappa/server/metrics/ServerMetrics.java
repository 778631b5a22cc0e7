package dev.kappa.server.metrics;

import dev.kappa.engine.EngineInfo;
import dev.kappa.engine.EngineStats;
import dev.kappa.engine.Finish;
import dev.kappa.server.backend.ServedModel;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** All meters of one served model. Thread-safe. */
public final class ServerMetrics {

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Tags tags;
  private final Timer firstToken;
  private final Timer interToken;
  private final Timer endToEnd;
  private final Timer queued;
  private final DistributionSummary promptTokens;
  private final DistributionSummary generatedTokens;
  private final Map<Finish.Reason, Counter> finished = new EnumMap<>(Finish.Reason.class);
  private final Counter failed;
  private final RestoreMeters restores;
  private final AccountMeters accounts;

  public ServerMetrics(ServedModel model) {
    tags = Tags.of("model_name", model.name());
    firstToken =
        timer("kappa.time.to.first.token", "From arrival to first token", Buckets.firstToken());
    interToken = timer("kappa.inter.token.latency", "Between tokens", Buckets.interToken());
    endToEnd = timer("kappa.e2e.request.latency", "From arrival to end", Buckets.request());
    queued = timer("kappa.request.queue.time", "From submission to first step", Buckets.request());
    int limit = model.backend().info().maxModelLength();
    promptTokens = summary("kappa.request.prompt.tokens", "Prompt tokens per request", limit);
    generatedTokens =
        summary("kappa.request.generation.tokens", "Generated tokens per request", limit);
    for (Finish.Reason reason : Finish.Reason.values()) {
      finished.put(reason, finishCounter(reason.name().toLowerCase(Locale.ROOT)));
    }
    failed =
        Counter.builder("kappa.request.failure")
            .description("Requests that ended in an error of the engine")
            .tags(tags)
            .register(registry);
    restores = new RestoreMeters(registry, tags);
    accounts = new AccountMeters(registry, tags, limit);
    EngineMeters engine = new EngineMeters(registry, model.backend());
    registerGauges(engine);
    registerCounters(engine);
    registerConfiguration(model.backend().info());
    VllmOffloadMeters.register(engine, tags);
    KvMeters.register(engine, tags);
  }

  private void registerGauges(EngineMeters engine) {
    engine.gauge("kappa.num.requests.running", "Requests in the batch", tags, EngineStats::running);
    engine.gauge("kappa.num.requests.waiting", "Requests not admitted", tags, EngineStats::waiting);
    engine.gauge(
        "kappa.kv.cache.usage.perc",
        "Share of KV blocks in use, 0 to 1",
        tags,
        stats -> (double) stats.kv().device().used() / Math.max(1, stats.kv().device().total()));
  }

  private void registerConfiguration(EngineInfo info) {
    Gauge.builder("kappa.cache.config.info", () -> 1)
        .description("KV cache configuration, in the labels")
        .tags(tags)
        .tag("block_size", Integer.toString(info.blockTokens()))
        .tag("num_gpu_blocks", Integer.toString(info.numBlocks()))
        .tag("num_cpu_blocks", Long.toString(info.hostCapacityTokens() / info.blockTokens()))
        .tag("cache_dtype", info.kvDType().name().toLowerCase(Locale.ROOT))
        .tag("device", info.device().kind())
        .register(registry);
  }

  private void registerCounters(EngineMeters engine) {
    engine.counter(
        "kappa.prefix.cache.queries",
        "Prompt tokens looked up on the device",
        tags,
        EngineStats::promptTokens);
    engine.counter(
        "kappa.prefix.cache.hits",
        "Prompt tokens found on the device",
        tags,
        VllmOffloadMeters::onDevice);
    engine.counter("kappa.prompt.tokens", "Prompt tokens", tags, EngineStats::promptTokens);
    engine.counter(
        "kappa.prompt.tokens.cached",
        "Prompt tokens whose KV was reused, from any tier",
        tags,
        EngineStats::cachedPromptTokens);
    engine.counter(
        "kappa.generation.tokens", "Generated tokens", tags, EngineStats::generatedTokens);
    engine.counter("kappa.num.preemptions", "Preemptions", tags, EngineStats::preemptions);
    engine.counter("kappa.engine.steps", "Forward passes", tags, EngineStats::steps);
  }

  /** A request's first token came so many nanoseconds after its arrival. */
  public void firstToken(long nanos) {
    firstToken.record(nanos, TimeUnit.NANOSECONDS);
  }

  /** So many tokens came together, so many nanoseconds after those before them. */
  public void laterTokens(long nanos, int tokens) {
    for (int i = 0; i < tokens; i++) {
      interToken.record(nanos / tokens, TimeUnit.NANOSECONDS);
    }
  }

  /** A request ended, so many nanoseconds after its arrival. */
  public void finished(Finish finish, long nanos) {
    Counter counter = finished.get(finish.reason());
    if (counter != null) {
      counter.increment();
    }
    endToEnd.record(nanos, TimeUnit.NANOSECONDS);
    queued.record(finish.timings().queued(), TimeUnit.NANOSECONDS);
    promptTokens.record(finish.usage().promptTokens());
    generatedTokens.record(finish.usage().completionTokens());
    restores.finished(finish);
    accounts.finished(finish);
  }

  /** The engine failed a request. */
  public void failed() {
    failed.increment();
  }

  /** All meters in the format of that content type. */
  public String scrape(String contentType) {
    return registry.scrape(contentType);
  }

  private Timer timer(String name, String description, Duration[] buckets) {
    return Timer.builder(name)
        .description(description)
        .tags(tags)
        .serviceLevelObjectives(buckets)
        .register(registry);
  }

  private DistributionSummary summary(String name, String description, int limit) {
    return DistributionSummary.builder(name)
        .description(description)
        .tags(tags)
        .serviceLevelObjectives(Buckets.oneTwoFive(limit))
        .register(registry);
  }

  private Counter finishCounter(String reason) {
    return Counter.builder("kappa.request.success")
        .description("Requests that ended, by reason")
        .tags(tags)
        .tag("finished_reason", reason)
        .register(registry);
  }
}
