package dev.kappa.server;

import dev.kappa.engine.Engine;
import dev.kappa.engine.EngineException;
import dev.kappa.server.backend.InferenceBackend;
import dev.kappa.server.http.ApiError;
import dev.kappa.server.http.ApiException;
import dev.kappa.server.http.Exchange;
import dev.kappa.server.http.JsonText;
import dev.kappa.server.openai.EngineErrors;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** {@code /v1/cache}: what the KV cache holds, and a way to empty it. */
record CacheEndpoints(InferenceBackend backend) {

  static final String PATH = "/v1/cache";

  private static final System.Logger LOG = System.getLogger(CacheEndpoints.class.getName());
  private static final String TIER = "tier";

  void show(Exchange exchange) {
    exchange.respond(200, CacheJson.of(backend));
  }

  /** Answers once the engine has done it, from the engine's thread. */
  // What follows the engine's future only hands an answer to the connection.
  @SuppressWarnings("FutureReturnValueIgnored")
  void clear(Exchange exchange) {
    String tier = tier(exchange.call().parameters());
    backend
        .clearCache(!tier.equals("host"), !tier.equals("device"))
        .whenComplete((cleared, failure) -> {
          if (failure == null) {
            exchange.respond(200, cleared(cleared));
          } else {
            exchange.fail(error(exchange, failure));
          }
        });
  }

  private static String tier(Map<String, List<String>> parameters) {
    for (String name : parameters.keySet()) {
      if (!name.equals(TIER)) {
        throw new ApiException(ApiError.badField(name, "unknown parameter " + name));
      }
    }
    List<String> values = parameters.getOrDefault(TIER, List.of("all"));
    if (values.size() != 1 || !List.of("device", "host", "all").contains(values.getFirst())) {
      throw new ApiException(
          ApiError.badField(TIER, "tier must be given once, as device, host or all"));
    }
    return values.getFirst();
  }

  private static byte[] cleared(Engine.Cleared cleared) {
    return JsonText.of(json -> {
      json.writeStartObject();
      json.writeStringProperty("object", "cache.cleared");
      json.writeNumberProperty("device_blocks", cleared.device());
      json.writeNumberProperty("host_blocks", cleared.host());
      json.writeEndObject();
    });
  }

  private static ApiError error(Exchange exchange, Throwable failure) {
    @Nullable Throwable cause =
        failure instanceof CompletionException ? failure.getCause() : failure;
    if (cause instanceof EngineException e) {
      return EngineErrors.toApi(e);
    }
    LOG.log(Level.ERROR, "request " + exchange.id() + " failed", failure);
    return ApiError.internal("the server failed; its log says why");
  }
}
