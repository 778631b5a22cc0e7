package dev.kappa.server;

import dev.kappa.server.http.HttpLimits;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import org.jspecify.annotations.Nullable;

/**
 * How the server listens.
 *
 * @param port 0 picks a free one
 * @param apiKey what clients must bring; null lets everyone in
 * @param limits what connections put up with
 * @param maxQueuedRequests how many requests may wait for the engine; 0 for any number
 */
public record ServerOptions(
    String host, int port, @Nullable String apiKey, HttpLimits limits, int maxQueuedRequests) {

  /** How many requests may wait where nobody says. */
  public static final int DEFAULT_MAX_QUEUED_REQUESTS = 1024;

  /** On this machine only, on a free port. */
  public static ServerOptions local() {
    return new ServerOptions("127.0.0.1", 0, null, HttpLimits.DEFAULT, DEFAULT_MAX_QUEUED_REQUESTS);
  }

  /**
   * Where to listen.
   *
   * @throws IOException if there is no such host
   */
  InetSocketAddress address() throws IOException {
    InetSocketAddress address = new InetSocketAddress(host, port);
    if (address.isUnresolved()) {
      throw new IOException("there is no host '" + host + "' to listen on");
    }
    return address;
  }

  /**
   * Finds out whether the address is free, so that nobody loads a model in vain.
   *
   * @throws IOException if it is not, saying which and why
   */
  public void checkAddress() throws IOException {
    InetSocketAddress address = address();
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(address);
    } catch (IOException e) {
      throw new IOException("cannot listen on %s:%d: %s".formatted(host, port, e.getMessage()), e);
    }
  }

  public ServerOptions withApiKey(String key) {
    return new ServerOptions(host, port, key, limits, maxQueuedRequests);
  }

  public ServerOptions withLimits(HttpLimits others) {
    return new ServerOptions(host, port, apiKey, others, maxQueuedRequests);
  }

  public ServerOptions withMaxQueuedRequests(int count) {
    return new ServerOptions(host, port, apiKey, limits, count);
  }
}
