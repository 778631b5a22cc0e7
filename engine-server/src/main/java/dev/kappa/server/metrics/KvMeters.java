package dev.kappa.server.metrics;

import dev.kappa.kv.BlockLives;
import dev.kappa.kv.KvDistributions;
import dev.kappa.kv.KvStats;
import dev.kappa.stats.Histogram;
import io.micrometer.core.instrument.Tags;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/** Meters of the KV tiers and of what moves between them, with the tier in a label. */
final class KvMeters {

  private final EngineMeters engine;
  private final Tags tags;

  private KvMeters(EngineMeters engine, Tags tags) {
    this.engine = engine;
    this.tags = tags;
  }

  static void register(EngineMeters engine, Tags tags) {
    KvMeters meters = new KvMeters(engine, tags);
    meters.tier("device", KvStats::device);
    meters.tier("host", KvStats::host);
    meters.direction("load", KvStats::loads);
    meters.direction("store", KvStats::stores);
    meters.stores();
    meters.lives(engine.backend().distributions().kv());
  }

  private void tier(String name, Function<KvStats, KvStats.Tier> tier) {
    Tags labels = tags.and("tier", name);
    gauge("kappa.kv.blocks", "KV blocks that there are", labels, kv -> tier.apply(kv).total());
    gauge(
        "kappa.kv.blocks.limit",
        "KV blocks that there may be",
        labels,
        kv -> tier.apply(kv).limit());
    gauge(
        "kappa.kv.blocks.used",
        "KV blocks that requests or transfers hold",
        labels,
        kv -> tier.apply(kv).used());
    gauge(
        "kappa.kv.blocks.cached",
        "KV blocks that nobody holds and that can be found",
        labels,
        kv -> tier.apply(kv).cached());
  }

  private void direction(String name, Function<KvStats, KvStats.Transfers> direction) {
    Tags labels = tags.and("tier", "host", "direction", name);
    counter(
        "kappa.kv.transfer.bytes",
        "Bytes copied between device and tier",
        labels,
        kv -> direction.apply(kv).bytes());
    counter(
        "kappa.kv.transfer.blocks",
        "KV blocks copied as a whole between device and tier",
        labels,
        kv -> direction.apply(kv).blocks());
    counter(
        "kappa.kv.transfer.seconds",
        "Time that the device spent copying",
        labels,
        kv -> direction.apply(kv).copyNanos() / 1e9);
    counter(
        "kappa.kv.transfer.failures",
        "Transfers refused, failed, corrupt or too late",
        labels,
        kv -> direction.apply(kv).failed());
    gauge(
        "kappa.kv.transfer.bytes.per.second",
        "Rate while copying, since the start",
        labels,
        kv -> direction.apply(kv).rate());
    gauge(
        "kappa.kv.link.fraction",
        "That rate as a share of the best copy measured at start-up; NaN if none was",
        labels,
        kv -> fraction(direction.apply(kv)));
  }

  private static double fraction(KvStats.Transfers transfers) {
    return transfers.ceiling() > 0 ? transfers.rate() / transfers.ceiling() : Double.NaN;
  }

  private void stores() {
    Tags labels = tags.and("tier", "host");
    skipped("no_space", KvStats.Skipped::noSpace);
    skipped("backlog", KvStats.Skipped::backlog);
    skipped("admission", KvStats.Skipped::admission);
    skipped("stand_down", KvStats.Skipped::standDown);
    skipped("parent", KvStats.Skipped::parent);
    counter(
        "kappa.kv.stores.discarded",
        "Stores whose device block was reused before the copy was done",
        labels,
        KvStats::storesDiscarded);
    counter(
        "kappa.kv.stores.wasted",
        "Stored KV blocks evicted without having been read",
        labels,
        KvStats::storesWasted);
    gauge(
        "kappa.kv.stores.stand.down",
        "1 while storing has stood down because nothing that was stored is read, else 0",
        labels,
        kv -> kv.storesStandDown() ? 1 : 0);
    gauge(
        "kappa.kv.stores.by.frequency",
        "1 while a full tier takes only what was asked for more often than what would have to go,"
            + " else 0",
        labels,
        kv -> kv.storesByFrequency() ? 1 : 0);
  }

  private void lives(KvDistributions kv) {
    lives(kv, "lifetime", "From being handed out to losing the content", BlockLives::lifetime);
    lives(kv, "idle_before_evict", "From the last use to losing the content", BlockLives::idle);
    lives(kv, "reuse_gap", "Between uses", BlockLives::reuseGap);
  }

  private void lives(
      KvDistributions kv, String name, String text, Function<BlockLives, Histogram> which) {
    engine.histogram(
        "kappa_kv_block_" + name + "_seconds",
        text + ", of one KV block in a hundred",
        new HistogramMeter.Source(tags.and("tier", "device"), which.apply(kv.device())),
        new HistogramMeter.Source(tags.and("tier", "host"), which.apply(kv.host())));
  }

  private void skipped(String reason, ToLongFunction<KvStats.Skipped> count) {
    counter(
        "kappa.kv.stores.skipped",
        "KV blocks offered to the tier and not stored, by reason",
        tags.and("tier", "host", "reason", reason),
        kv -> count.applyAsLong(kv.storesSkipped()));
  }

  private void gauge(String name, String text, Tags labels, ToDoubleFunction<KvStats> value) {
    engine.gauge(name, text, labels, stats -> value.applyAsDouble(stats.kv()));
  }

  private void counter(String name, String text, Tags labels, ToDoubleFunction<KvStats> value) {
    engine.counter(name, text, labels, stats -> value.applyAsDouble(stats.kv()));
  }
}
