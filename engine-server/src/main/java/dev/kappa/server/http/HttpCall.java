package dev.kappa.server.http;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.List;
import java.util.Map;

/**
 * A request read whole.
 *
 * @param method upper-case method
 * @param path decoded path without the query
 * @param query what follows the question mark, as received; empty if nothing does
 * @param headers as received
 * @param body bytes of the body; the array belongs to the reader
 * @param keepAlive whether the client wants the connection to stay open
 * @param http10 whether the client speaks HTTP/1.0, which has no chunks
 * @param arrivedNanos when its head was read, by {@link System#nanoTime}
 */
// Never compared: the array is only carried along.
@SuppressWarnings("ArrayRecordComponent")
public record HttpCall(
    String method,
    String path,
    String query,
    HttpHeaders headers,
    byte[] body,
    boolean keepAlive,
    boolean http10,
    long arrivedNanos)
    implements Incoming {

  /**
   * The query's parameters, decoded, each with its values in order.
   *
   * @throws ApiException if they are not well encoded
   */
  public Map<String, List<String>> parameters() {
    try {
      return new QueryStringDecoder(query, false).parameters();
    } catch (IllegalArgumentException e) {
      throw new ApiException(ApiError.invalid(400, "the request's query is not well encoded"));
    }
  }
}
