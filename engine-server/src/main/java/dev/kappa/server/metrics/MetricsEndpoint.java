package dev.kappa.server.metrics;

import dev.kappa.server.http.Endpoint;
import dev.kappa.server.http.Exchange;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Prometheus text, or OpenMetrics for those who ask. */
public final class MetricsEndpoint implements Endpoint {

  private static final String TEXT = "text/plain; version=0.0.4; charset=utf-8";
  private static final String OPEN_METRICS =
      "application/openmetrics-text; version=1.0.0; charset=utf-8";

  private final UnaryOperator<String> scrape;

  /**
   * @param scrape writes meters in the format of a content type
   */
  public MetricsEndpoint(UnaryOperator<String> scrape) {
    this.scrape = scrape;
  }

  @Override
  public void handle(Exchange exchange) {
    String contentType = accepted(exchange.call().headers().get("Accept"));
    byte[] body = scrape.apply(contentType).getBytes(StandardCharsets.UTF_8);
    exchange.respond(200, contentType, body, Map.of());
  }

  private static String accepted(@Nullable String accept) {
    return accept != null && accept.contains("application/openmetrics-text") ? OPEN_METRICS : TEXT;
  }
}
