package dev.kappa.server.metrics;

import dev.kappa.engine.EngineStats;
import io.micrometer.core.instrument.Tags;
import java.util.function.ToDoubleFunction;

/**
 * What vLLM tells of KV offloading, with its labels and meanings: {@code v1/metrics/loggers.py} and
 * {@code kv_connector/v1/offloading/metrics.py}. Under its own prefix as well, so that what was
 * made to watch its connectors works here.
 */
final class OffloadMeters {

  private final EngineMeters engine;
  private final Tags tags;
  private final String prefix;

  private OffloadMeters(EngineMeters engine, Tags tags, String prefix) {
    this.engine = engine;
    this.tags = tags;
    this.prefix = prefix;
  }

  /**
   * Registers them.
   *
   * @param prefix what names begin with
   */
  static void register(EngineMeters engine, Tags tags, String prefix) {
    OffloadMeters meters = new OffloadMeters(engine, tags, prefix);
    meters.prompts();
    meters.transfers();
  }

  private void prompts() {
    counter(
        "external_prefix_cache_queries",
        "Prompt tokens not found on the device and looked up in host memory",
        stats -> stats.kv().host().limit() == 0 ? 0 : stats.promptTokens() - onDevice(stats));
    counter(
        "external_prefix_cache_hits",
        "Prompt tokens found in host memory",
        EngineStats::hostPromptTokens);
    source("local_compute", stats -> stats.promptTokens() - stats.cachedPromptTokens());
    source("local_cache_hit", OffloadMeters::onDevice);
    source("external_kv_transfer", EngineStats::hostPromptTokens);
  }

  /** Prompt tokens whose KV lay on the device. */
  static double onDevice(EngineStats stats) {
    return stats.cachedPromptTokens() - stats.hostPromptTokens();
  }

  private void source(String name, ToDoubleFunction<EngineStats> value) {
    engine.counter(
        prefix + "prompt_tokens_by_source",
        "Prompt tokens by where their KV came from",
        tags.and("source", name),
        value);
  }

  private void transfers() {
    counter(
        "kv_offload_load_bytes",
        "Bytes loaded from host memory",
        stats -> stats.kv().loads().bytes());
    counter(
        "kv_offload_load_time",
        "Seconds of loading from host memory",
        stats -> stats.kv().loads().copyNanos() / 1e9);
    counter(
        "kv_offload_store_bytes",
        "Bytes stored to host memory",
        stats -> stats.kv().stores().bytes());
    counter(
        "kv_offload_store_time",
        "Seconds of storing to host memory",
        stats -> stats.kv().stores().copyNanos() / 1e9);
    engine.gauge(
        prefix + "kv_offload_cpu_cache_usage_perc",
        "Share of host memory's KV blocks that requests or transfers hold, 0 to 1",
        tags,
        stats -> (double) stats.kv().host().used() / Math.max(1, stats.kv().host().limit()));
    counter(
        "kv_offload_stores_skipped",
        "KV blocks not stored because no host block was free",
        stats -> stats.kv().storesSkipped().noSpace());
  }

  private void counter(String name, String text, ToDoubleFunction<EngineStats> value) {
    engine.counter(prefix + name, text, tags, value);
  }
}
