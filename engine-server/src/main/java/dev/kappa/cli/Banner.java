package dev.kappa.cli;

import dev.kappa.cli.show.Bytes;
import dev.kappa.engine.EngineInfo;
import dev.kappa.server.KappaServer;
import java.util.Locale;

/** What {@code serve} prints once it listens. */
final class Banner {

  private Banner() {}

  static String of(
      LoadedModel loaded, KappaServer server, String name, boolean guarded, long linkBandwidth) {
    EngineInfo info = loaded.engine().info();
    String url = reachable(server.url());
    return """

    Kappa serves %s on %s
      model    %s, %s parameters, context of %d tokens
      device   %s: %s
      KV       %d tokens on the device (%d blocks of %d, %s, %s)
      host KV  %s
    %s  API      /v1/chat/completions  /v1/completions  /v1/models  /v1/cache  /health  /metrics

    Try:
      %s

    """
        .formatted(
            name,
            server.url(),
            info.model().architecture(),
            count(info.model().parameters()),
            info.maxModelLength(),
            info.device().kind(),
            loaded.deviceReason(),
            info.kvCapacityTokens(),
            info.numBlocks(),
            info.blockTokens(),
            info.kvDType().name().toLowerCase(Locale.ROOT),
            Bytes.show(info.kvCapacityTokens() * info.kvBytesPerToken()),
            host(info),
            link(linkBandwidth),
            curl(url, request(loaded), guarded));
  }

  static String host(EngineInfo info) {
    return info.hostBytes() == 0
        ? "off"
        : String.format(
            Locale.ROOT,
            "%s, %,d tokens",
            Bytes.showBinary(info.hostBytes()),
            info.hostCapacityTokens());
  }

  /** A line about the link if it is throttled, else nothing. */
  static String link(long bandwidth) {
    return bandwidth == 0 ? "" : "  link     throttled to " + Bytes.show(bandwidth) + "/s\n";
  }

  private record Request(String path, String body) {}

  private static Request request(LoadedModel loaded) {
    if (loaded.chat() != null) {
      return new Request(
          "chat/completions",
          "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello!\"}],\"max_tokens\":32}");
    }
    // A model without a tokenizer takes token ids.
    String prompt = loaded.directory().tokenizer() == null ? "[1,2,3]" : "\"Hello\"";
    return new Request("completions", "{\"prompt\":" + prompt + ",\"max_tokens\":32}");
  }

  /** A command that works when pasted. */
  private static String curl(String url, Request request, boolean guarded) {
    String key = guarded ? " -H \"Authorization: Bearer $KAPPA_API_KEY\"" : "";
    return "curl %s/v1/%s -H 'Content-Type: application/json'%s -d '%s'"
        .formatted(url, request.path(), key, request.body());
  }

  private static String reachable(String url) {
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  }

  private static String count(long parameters) {
    return parameters >= 1_000_000_000
        ? String.format(Locale.ROOT, "%.1f billion", parameters / 1e9)
        : String.format(Locale.ROOT, "%.1f million", parameters / 1e6);
  }
}
