package dev.kappa.server;

import dev.kappa.server.backend.InferenceBackend;
import dev.kappa.server.http.ApiError;
import dev.kappa.server.http.Exchange;
import dev.kappa.server.http.JsonText;

/** The small endpoints that tell machines how the server is. */
record StatusEndpoints(InferenceBackend backend) {

  /** 200 while requests can be served, else 503. */
  void health(Exchange exchange) {
    if (backend.stats().failed()) {
      exchange.fail(ApiError.unavailable("the engine has failed"));
      return;
    }
    if (backend.isStalled()) {
      exchange.fail(ApiError.unavailable("a step of the engine does not end"));
      return;
    }
    exchange.respond(200, object("status", "ok"));
  }

  /** How many prompts run or wait, for balancers. */
  void load(Exchange exchange) {
    var stats = backend.stats();
    exchange.respond(
        200,
        JsonText.of(json -> {
          json.writeStartObject();
          json.writeNumberProperty("server_load", stats.running() + stats.waiting());
          json.writeEndObject();
        }));
  }

  void version(Exchange exchange) {
    String version = StatusEndpoints.class.getPackage().getImplementationVersion();
    exchange.respond(200, object("version", version == null ? "development" : version));
  }

  private static byte[] object(String name, String value) {
    return JsonText.of(json -> {
      json.writeStartObject();
      json.writeStringProperty(name, value);
      json.writeEndObject();
    });
  }
}
