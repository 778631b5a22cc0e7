package dev.kappa.server.metrics;

import dev.kappa.engine.EngineStats;
import io.micrometer.core.instrument.Tags;
import java.util.function.ToDoubleFunction;

/**
 * What vLLM tells of KV offloading, under its own names, labels and meanings, so that what was made
 * to watch its connectors works here: {@code v1/metrics/loggers.py} and {@code
 * kv_connector/v1/offloading/metrics.py}.
 */
final class VllmOffloadMeters {

  private final EngineMeters engine;
  private final Tags tags;

  private VllmOffloadMeters(EngineMeters engine, Tags tags) {
    this.engine = engine;
    this.tags = tags;
  }

  static void register(EngineMeters engine, Tags tags) {
    VllmOffloadMeters meters = new VllmOffloadMeters(engine, tags.and("engine", "0"));
    meters.prompts();
    meters.transfers();
  }

  private void prompts() {
    counter(
        "vllm:external_prefix_cache_queries",
        "Prompt tokens not found on the device and looked up in host memory",
        stats -> stats.kv().host().limit() == 0 ? 0 : stats.promptTokens() - onDevice(stats));
    counter(
        "vllm:external_prefix_cache_hits",
        "Prompt tokens found in host memory",
        EngineStats::hostPromptTokens);
    source("local_compute", stats -> stats.promptTokens() - stats.cachedPromptTokens());
    source("local_cache_hit", VllmOffloadMeters::onDevice);
    source("external_kv_transfer", EngineStats::hostPromptTokens);
  }

  /** Prompt tokens whose KV lay on the device. */
  static double onDevice(EngineStats stats) {
    return stats.cachedPromptTokens() - stats.hostPromptTokens();
  }

  private void source(String name, ToDoubleFunction<EngineStats> value) {
    engine.counter(
        "vllm:prompt_tokens_by_source",
        "Prompt tokens by where their KV came from",
        tags.and("source", name),
        value);
  }

  private void transfers() {
    counter(
        "vllm:kv_offload_load_bytes",
        "Bytes loaded from host memory",
        stats -> stats.kv().loads().bytes());
    counter(
        "vllm:kv_offload_load_time",
        "Seconds of loading from host memory",
        stats -> stats.kv().loads().copyNanos() / 1e9);
    counter(
        "vllm:kv_offload_store_bytes",
        "Bytes stored to host memory",
        stats -> stats.kv().stores().bytes());
    counter(
        "vllm:kv_offload_store_time",
        "Seconds of storing to host memory",
        stats -> stats.kv().stores().copyNanos() / 1e9);
    counter(
        "vllm:kv_offload_stores_skipped",
        "KV blocks not stored because no host block was free",
        stats -> stats.kv().storesSkipped().noSpace());
  }

  private void counter(String name, String text, ToDoubleFunction<EngineStats> value) {
    engine.counter(name, text, tags, value);
  }
}
