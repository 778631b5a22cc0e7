package dev.kappa.server.metrics;

import dev.kappa.engine.EngineStats;
import dev.kappa.engine.Finish;
import dev.kappa.server.backend.InferenceBackend;
import dev.kappa.server.backend.ServedModel;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
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
import java.util.function.ToDoubleFunction;

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
    registerGauges(model.backend());
    registerCounters(model.backend());
  }

  private void registerGauges(InferenceBackend backend) {
    gauge(backend, "kappa.num.requests.running", "Requests in the batch", EngineStats::running);
    gauge(backend, "kappa.num.requests.waiting", "Requests not admitted", EngineStats::waiting);
    gauge(
        backend,
        "kappa.kv.cache.usage.perc",
        "Share of KV blocks in use, 0 to 1",
        stats -> (double) stats.kv().device().used() / Math.max(1, stats.kv().device().total()));
    var info = backend.info();
    Gauge.builder("kappa.cache.config.info", () -> 1)
        .description("KV cache configuration, in the labels")
        .tags(tags)
        .tag("block_size", Integer.toString(info.blockTokens()))
        .tag("num_gpu_blocks", Integer.toString(info.numBlocks()))
        .tag("cache_dtype", info.kvDType().name().toLowerCase(Locale.ROOT))
        .tag("device", info.device().kind())
        .register(registry);
  }

  private void registerCounters(InferenceBackend backend) {
    counter(
        backend,
        "kappa.prefix.cache.queries",
        "Prompt tokens looked up in the prefix cache",
        EngineStats::promptTokens);
    counter(
        backend,
        "kappa.prefix.cache.hits",
        "Prompt tokens found in the prefix cache",
        EngineStats::cachedPromptTokens);
    counter(backend, "kappa.prompt.tokens", "Prompt tokens", EngineStats::promptTokens);
    counter(
        backend,
        "kappa.prompt.tokens.cached",
        "Prompt tokens whose KV was reused",
        EngineStats::cachedPromptTokens);
    counter(backend, "kappa.generation.tokens", "Generated tokens", EngineStats::generatedTokens);
    counter(backend, "kappa.num.preemptions", "Preemptions", EngineStats::preemptions);
    counter(backend, "kappa.engine.steps", "Forward passes", EngineStats::steps);
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

  private void gauge(
      InferenceBackend backend,
      String name,
      String description,
      ToDoubleFunction<EngineStats> value) {
    Gauge.builder(name, backend, b -> value.applyAsDouble(b.stats()))
        .description(description)
        .tags(tags)
        .register(registry);
  }

  private void counter(
      InferenceBackend backend,
      String name,
      String description,
      ToDoubleFunction<EngineStats> value) {
    FunctionCounter.builder(name, backend, b -> value.applyAsDouble(b.stats()))
        .description(description)
        .tags(tags)
        .register(registry);
  }
}
