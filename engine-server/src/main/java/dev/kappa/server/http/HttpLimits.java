package dev.kappa.server.http;

import java.time.Duration;

/**
 * What connections put up with.
 *
 * @param maxBodyBytes longest request body
 * @param idle how long nothing may move on a connection that waits for its client
 * @param ping how long a stream may be silent before a comment is sent
 */
public record HttpLimits(int maxBodyBytes, Duration idle, Duration ping) {

  /** 64 MiB, two minutes, fifteen seconds. */
  public static final HttpLimits DEFAULT =
      new HttpLimits(64 << 20, Duration.ofMinutes(2), Duration.ofSeconds(15));

  public HttpLimits withMaxBodyBytes(int bytes) {
    return new HttpLimits(bytes, idle, ping);
  }

  public HttpLimits withIdle(Duration duration) {
    return new HttpLimits(maxBodyBytes, duration, ping);
  }

  public HttpLimits withPing(Duration duration) {
    return new HttpLimits(maxBodyBytes, idle, duration);
  }
}
