package dev.kappa.server.metrics;

import dev.kappa.engine.EngineStats;
import dev.kappa.kv.KvDistributions;
import dev.kappa.kv.KvStats;
import dev.kappa.stats.Histogram;
import io.micrometer.core.instrument.Tags;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;

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
    meters.memory();
    meters.distributions(engine.backend().distributions().kv());
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
    counter(
        "kv_offload_stores_skipped",
        "KV blocks not stored because they were not asked for often enough",
        stats -> stats.kv().storesSkipped().admission() + stats.kv().storesSkipped().standDown());
    counter(
        "kv_offload_allocation_failure",
        "Stores for which host memory had too few blocks that could be had",
        stats -> stats.kv().storesRefused());
  }

  private void memory() {
    usage("usage", "loads and stores", kv -> kv.hostReading() + kv.hostWriting());
    usage("read_usage", "loads", KvStats::hostReading);
    usage("write_usage", "stores", KvStats::hostWriting);
  }

  private void usage(String name, String by, ToIntFunction<KvStats> blocks) {
    engine.gauge(
        prefix + "kv_offload_cpu_cache_" + name + "_perc",
        "Share of host memory's KV blocks that %s in flight hold, 0 to 1".formatted(by),
        tags,
        stats -> (double) blocks.applyAsInt(stats.kv()) / Math.max(1, stats.kv().host().limit()));
  }

  private void distributions(KvDistributions kv) {
    histogram("load_size", "Bytes of each load from host memory", kv.loadBytes());
    histogram("store_size", "Bytes of each store to host memory", kv.storeBytes());
    histogram(
        "lookup_sync_delay_seconds",
        "Time to look up the prefix of a request that is to start",
        kv.lookupSeconds());
  }

  private void histogram(String name, String text, Histogram histogram) {
    engine.histogram(
        prefix + "kv_offload_" + name, text, new HistogramMeter.Source(tags, histogram));
  }

  private void counter(String name, String text, ToDoubleFunction<EngineStats> value) {
    engine.counter(prefix + name, text, tags, value);
  }
}
