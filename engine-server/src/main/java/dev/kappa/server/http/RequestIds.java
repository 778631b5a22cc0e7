package dev.kappa.server.http;

import io.netty.handler.codec.http.HttpHeaders;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** Names for requests. */
public final class RequestIds {

  private static final int MAX_LENGTH = 128;

  private RequestIds() {}

  /** The client's own {@code X-Request-Id} if it is short and printable, else a random one. */
  static String of(HttpHeaders headers) {
    String given = headers.get("X-Request-Id");
    return given != null && printable(given) ? given : random();
  }

  /** 96 random bits in hexadecimal. */
  public static String random() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(random.nextLong()) + hex.toHexDigits(random.nextInt());
  }

  private static boolean printable(@Nullable String id) {
    return id != null
        && !id.isEmpty()
        && id.length() <= MAX_LENGTH
        && id.chars().allMatch(c -> c > ' ' && c < 127);
  }
}
