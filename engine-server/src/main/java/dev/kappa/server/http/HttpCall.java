package dev.kappa.server.http;

import io.netty.handler.codec.http.HttpHeaders;

/**
 * A request read whole.
 *
 * @param method upper-case method
 * @param path decoded path without the query
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
    HttpHeaders headers,
    byte[] body,
    boolean keepAlive,
    boolean http10,
    long arrivedNanos)
    implements Incoming {}
