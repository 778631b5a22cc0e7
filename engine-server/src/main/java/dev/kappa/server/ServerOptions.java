package dev.kappa.server;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How the server listens.
 *
 * @param port 0 picks a free one
 * @param apiKey what clients must bring; null lets everyone in
 * @param maxBodyBytes longest request body
 * @param idle how long a connection may stay unused or stuck
 */
public record ServerOptions(
    String host, int port, @Nullable String apiKey, int maxBodyBytes, Duration idle) {

  /** On this machine only, on a free port. */
  public static ServerOptions local() {
    return new ServerOptions("127.0.0.1", 0, null, 64 << 20, Duration.ofMinutes(2));
  }

  public ServerOptions withApiKey(String key) {
    return new ServerOptions(host, port, key, maxBodyBytes, idle);
  }

  public ServerOptions withMaxBodyBytes(int bytes) {
    return new ServerOptions(host, port, apiKey, bytes, idle);
  }

  public ServerOptions withIdle(Duration duration) {
    return new ServerOptions(host, port, apiKey, maxBodyBytes, duration);
  }
}
