package dev.kappa.server;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
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
    return new ServerOptions(host, port, key, maxBodyBytes, idle);
  }

  public ServerOptions withMaxBodyBytes(int bytes) {
    return new ServerOptions(host, port, apiKey, bytes, idle);
  }

  public ServerOptions withIdle(Duration duration) {
    return new ServerOptions(host, port, apiKey, maxBodyBytes, duration);
  }
}
