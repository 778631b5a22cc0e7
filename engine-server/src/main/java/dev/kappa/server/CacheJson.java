package dev.kappa.server;

import dev.kappa.engine.EngineInfo;
import dev.kappa.kv.KvStats;
import dev.kappa.server.backend.InferenceBackend;
import dev.kappa.server.http.JsonText;
import java.util.Locale;
import tools.jackson.core.JsonGenerator;

/** Writes what the KV cache holds and what has moved between its tiers. */
final class CacheJson {

  private CacheJson() {}

  static byte[] of(InferenceBackend backend) {
    EngineInfo info = backend.info();
    KvStats kv = backend.stats().kv();
    return JsonText.of(json -> {
      json.writeStartObject();
      json.writeStringProperty("object", "cache");
      json.writeNumberProperty("block_tokens", info.blockTokens());
      json.writeNumberProperty("block_bytes", kv.blockBytes());
      json.writeStringProperty("store_policy", name(backend.storePolicy()));
      json.writeStringProperty("restore", name(backend.restoreMode()));
      json.writeObjectPropertyStart("tiers");
      json.writeObjectPropertyStart("device");
      tier(json, kv.device(), kv.blockBytes());
      json.writeEndObject();
      json.writeObjectPropertyStart("host");
      tier(json, kv.host(), kv.blockBytes());
      json.writeBooleanProperty("pinned", kv.hostPinned());
      json.writeEndObject();
      json.writeEndObject();
      json.writeObjectPropertyStart("transfers");
      transfers(json, "load", kv.loads());
      transfers(json, "store", kv.stores());
      json.writeEndObject();
      json.writeObjectPropertyStart("stores");
      skipped(json, kv.storesSkipped());
      json.writeNumberProperty("discarded", kv.storesDiscarded());
      json.writeNumberProperty("wasted", kv.storesWasted());
      json.writeBooleanProperty("stand_down", kv.storesStandDown());
      json.writeBooleanProperty("by_frequency", kv.storesByFrequency());
      json.writeEndObject();
      json.writeEndObject();
    });
  }

  private static void tier(JsonGenerator json, KvStats.Tier tier, long blockBytes) {
    json.writeNumberProperty("blocks", tier.total());
    json.writeNumberProperty("limit", tier.limit());
    json.writeNumberProperty("used", tier.used());
    json.writeNumberProperty("cached", tier.cached());
    json.writeNumberProperty("bytes", tier.total() * blockBytes);
  }

  private static void skipped(JsonGenerator json, KvStats.Skipped skipped) {
    json.writeNumberProperty("skipped", skipped.total());
    json.writeObjectPropertyStart("skipped_by_reason");
    json.writeNumberProperty("no_space", skipped.noSpace());
    json.writeNumberProperty("backlog", skipped.backlog());
    json.writeNumberProperty("admission", skipped.admission());
    json.writeNumberProperty("stand_down", skipped.standDown());
    json.writeNumberProperty("parent", skipped.parent());
    json.writeEndObject();
  }

  private static void transfers(JsonGenerator json, String name, KvStats.Transfers transfers) {
    json.writeObjectPropertyStart(name);
    json.writeNumberProperty("blocks", transfers.blocks());
    json.writeNumberProperty("bytes", transfers.bytes());
    json.writeNumberProperty("seconds", transfers.copyNanos() / 1e9);
    json.writeNumberProperty("gigabytes_per_second", transfers.rate() / 1e9);
    if (transfers.ceiling() > 0) {
      json.writeNumberProperty("ceiling_gigabytes_per_second", transfers.ceiling() / 1e9);
      json.writeNumberProperty("fraction_of_ceiling", transfers.rate() / transfers.ceiling());
    } else {
      json.writeNullProperty("ceiling_gigabytes_per_second");
      json.writeNullProperty("fraction_of_ceiling");
    }
    json.writeNumberProperty("failed", transfers.failed());
    json.writeEndObject();
  }

  /** As on the command line. */
  private static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
