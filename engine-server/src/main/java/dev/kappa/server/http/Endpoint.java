package dev.kappa.server.http;

/** What answers a path. */
@FunctionalInterface
public interface Endpoint {

  /**
   * Answers through the exchange, now or later.
   *
   * @throws ApiException to answer with its error
   */
  void handle(Exchange exchange);
}
