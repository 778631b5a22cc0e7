package dev.kappa.server.metrics;

import dev.kappa.engine.EngineInfo;
import dev.kappa.engine.EngineStats;
import dev.kappa.engine.Finish;
import dev.kappa.server.backend.ServedModel;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** All meters of one served model. Thread-safe. */
public final class ServerMetrics {

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final PrometheusMeterRegistry vllmRegistry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Tags tags;
  private final RequestMeters requests;
  private final Map<Finish.Reason, Counter> finished = new EnumMap<>(Finish.Reason.class);
  private final Counter failed;
  private final RestoreMeters restores;
  private final AccountMeters accounts;

  public ServerMetrics(ServedModel model) {
    // One engine per server; vLLM numbers them.
    tags = Tags.of("model_name", model.name(), "engine", "0");
    int limit = model.backend().info().maxModelLength();
    requests = new RequestMeters(registry, tags, limit);
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
    registerWaiting(engine);
    registerCounters(engine);
    registerConfiguration(model.backend().info());
    engine.histogram(
        "kappa_iteration_tokens",
        "New tokens per forward pass",
        new HistogramMeter.Source(tags, model.backend().distributions().stepTokens()));
    KvMeters.register(engine, tags);
    OffloadMeters.register(engine, tags, "kappa_");
    OffloadMeters.register(new EngineMeters(vllmRegistry, model.backend()), tags, "vllm:");
  }

  private void registerWaiting(EngineMeters engine) {
    waiting(engine, "capacity", stats -> stats.waiting() - stats.deferred());
    waiting(engine, "deferred", EngineStats::deferred);
  }

  private void waiting(EngineMeters engine, String reason, ToDoubleFunction<EngineStats> value) {
    engine.gauge(
        "kappa.num.requests.waiting.by.reason",
        "Requests not admitted, by whether they wait for their turn and room or for a prefix that"
            + " others are producing",
        tags.and("reason", reason),
        value);
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
        OffloadMeters::onDevice);
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

  /** A request asked for so many choices of each prompt, and for at most so many tokens. */
  public void requested(int choices, int maxTokens) {
    requests.requested(choices, maxTokens);
  }

  /** A request's first token came so many nanoseconds after its arrival. */
  public void firstToken(long nanos) {
    requests.firstToken(nanos);
  }

  /** So many tokens came together, so many nanoseconds after those before them. */
  public void laterTokens(long nanos, int tokens) {
    requests.laterTokens(nanos, tokens);
  }

  /** A request ended, so many nanoseconds after its arrival. */
  public void finished(Finish finish, long nanos) {
    Counter counter = finished.get(finish.reason());
    if (counter != null) {
      counter.increment();
    }
    requests.finished(finish, nanos);
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

  /** Those of vLLM's that watch KV offloading, under their own names. */
  public String scrapeVllm(String contentType) {
    return vllmRegistry.scrape(contentType);
  }

  private Counter finishCounter(String reason) {
    return Counter.builder("kappa.request.success")
        .description("Requests that ended, by reason")
        .tags(tags)
        .tag("finished_reason", reason)
        .register(registry);
  }
}
