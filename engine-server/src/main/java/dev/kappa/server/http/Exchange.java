package dev.kappa.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One request and its answer. Methods may be called on any thread; what they do happens on the
 * connection's event loop in the order of the calls. Whatever comes after the end of the answer, or
 * after the client has left, is ignored.
 */
// A write or close that fails closes the channel, which is where failures are handled.
@SuppressWarnings("FutureReturnValueIgnored")
public final class Exchange {

  private static final System.Logger LOG = System.getLogger(Exchange.class.getName());

  /**
   * Bytes of a stream that wait for a client to read them, at most. About fifty thousand events:
   * more than a client falls behind that reads at all.
   */
  private static final long MAX_UNREAD = 16L << 20;

  private static final byte[] EVENT_PREFIX = "data: ".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] EVENT_SUFFIX = "\n\n".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] COMMENT = ": waiting\n\n".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);

  private enum State {
    WAITING,
    STREAMING,
    ENDED
  }

  private final Channel channel;
  private final HttpCall call;
  private final String id;
  private final Duration ping;
  private final Runnable whenEnded;
  private final Runnable whenWritten;
  private State state = State.WAITING;
  private boolean closeAfter;
  private @Nullable Runnable whenAbandoned;
  private @Nullable Future<?> pings;
  private boolean silent;

  /**
   * @param id names the request in logs and in the answer's {@code X-Request-Id}
   * @param ping how long a stream may be silent
   * @param whenEnded runs on the event loop once the answer is complete, not when the client leaves
   * @param whenWritten runs on the event loop once the system has taken all of a complete answer,
   *     or never will, as the connection has failed
   */
  Exchange(
      Channel channel,
      HttpCall call,
      String id,
      Duration ping,
      Runnable whenEnded,
      Runnable whenWritten) {
    this.channel = channel;
    this.call = call;
    this.id = id;
    this.ping = ping;
    this.whenEnded = whenEnded;
    this.whenWritten = whenWritten;
    this.closeAfter = !call.keepAlive();
  }

  public HttpCall call() {
    return call;
  }

  public String id() {
    return id;
  }

  /** Runs a task on the event loop, at once if called there; drops it if the loop has stopped. */
  public void execute(Runnable task) {
    if (channel.eventLoop().inEventLoop()) {
      task.run();
      return;
    }
    try {
      channel.eventLoop().execute(task);
    } catch (RejectedExecutionException e) {
      // The server has shut down; nobody is left to answer.
    }
  }

  /** Runs a task on the event loop if the client leaves, or has left, before the answer's end. */
  public void onAbandoned(Runnable task) {
    execute(() -> {
      if (state == State.ENDED) {
        if (!channel.isActive()) {
          task.run();
        }
      } else {
        whenAbandoned = task;
      }
    });
  }

  /** Answers with JSON. */
  public void respond(int status, byte[] json) {
    respond(status, "application/json", json, Map.of());
  }

  /** Answers with a whole body. */
  public void respond(int status, String contentType, byte[] body, Map<String, String> headers) {
    execute(() -> {
      if (state != State.WAITING) {
        return;
      }
      DefaultFullHttpResponse response =
          new DefaultFullHttpResponse(
              HttpVersion.HTTP_1_1,
              HttpResponseStatus.valueOf(status),
              Unpooled.wrappedBuffer(body));
      headers.forEach((name, value) -> response.headers().set(name, value));
      response.headers().set(HttpHeaderNames.CONTENT_TYPE, contentType);
      HttpUtil.setContentLength(response, body.length);
      addCommonHeaders(response);
      end(response);
    });
  }

  /** Answers with an error; as an event of its own if events have gone out already. */
  public void fail(ApiError error) {
    execute(() -> {
      if (state == State.STREAMING) {
        event(error.toJson());
        end(LastHttpContent.EMPTY_LAST_CONTENT);
      } else {
        Map<String, String> headers =
            switch (error.status()) {
              case 401 -> Map.of("WWW-Authenticate", "Bearer");
              case 429 -> Map.of("Retry-After", "1");
              default -> Map.of();
            };
        respond(error.status(), "application/json", error.toJson(), headers);
      }
    });
  }

  /** Sends a server-sent event with this JSON, and before the first one the headers. */
  public void event(byte[] json) {
    execute(() -> {
      silent = false;
      stream(Unpooled.wrappedBuffer(EVENT_PREFIX, json, EVENT_SUFFIX));
    });
  }

  /**
   * Announces events: until the end, silence is broken by comments, so that nobody between the
   * client and us takes the connection for dead.
   */
  public void expectEvents() {
    execute(() -> {
      if (state != State.ENDED) {
        long nanos = ping.toNanos();
        pings =
            channel.eventLoop().scheduleAtFixedRate(this::ping, nanos, nanos, TimeUnit.NANOSECONDS);
      }
    });
  }

  private void ping() {
    if (silent) {
      stream(Unpooled.wrappedBuffer(COMMENT));
    }
    silent = true;
  }

  private void stream(ByteBuf data) {
    if (state == State.WAITING) {
      state = State.STREAMING;
      channel.write(streamHead());
    }
    if (state == State.STREAMING) {
      channel
          .writeAndFlush(new DefaultHttpContent(data))
          .addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
      closeIfUnread();
    }
  }

  private void closeIfUnread() {
    if (channel.isActive() && channel.bytesBeforeWritable() > MAX_UNREAD) {
      LOG.log(
          System.Logger.Level.WARNING,
          "{0}: closing the connection, as its client has left more than {1} MiB unread",
          id,
          MAX_UNREAD >> 20);
      channel.close();
    }
  }

  private void stopPings() {
    Future<?> scheduled = pings;
    if (scheduled != null) {
      scheduled.cancel(false);
    }
  }

  /** Ends the events with {@code [DONE]}. */
  public void endEvents() {
    execute(() -> {
      event(DONE);
      if (state == State.STREAMING) {
        end(LastHttpContent.EMPTY_LAST_CONTENT);
      }
    });
  }

  /** Has the connection closed after the answer. On the event loop only. */
  void closeAfter() {
    closeAfter = true;
  }

  /** Fails the exchange although its owner is still at work, and tells the owner. */
  void cut(ApiError error) {
    Runnable task = whenAbandoned;
    fail(error);
    if (task != null) {
      task.run();
    }
  }

  boolean closesAfter() {
    return closeAfter;
  }

  /** Tells the owner that the client has left. On the event loop only. */
  void abandon() {
    if (state == State.ENDED) {
      return;
    }
    state = State.ENDED;
    stopPings();
    Runnable task = whenAbandoned;
    if (task != null) {
      task.run();
    }
  }

  private HttpResponse streamHead() {
    HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
    response.headers().set(HttpHeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8");
    response.headers().set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_CACHE);
    // Without it nginx collects events before it passes them on.
    response.headers().set("X-Accel-Buffering", "no");
    if (call.http10()) {
      closeAfter = true;
    } else {
      HttpUtil.setTransferEncodingChunked(response, true);
    }
    addCommonHeaders(response);
    return response;
  }

  private void addCommonHeaders(HttpResponse response) {
    response.headers().set("X-Request-Id", id);
    if (closeAfter) {
      response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    } else if (call.http10()) {
      response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
    }
  }

  private void end(Object last) {
    state = State.ENDED;
    stopPings();
    channel
        .writeAndFlush(last)
        .addListener(written -> whenWritten.run())
        .addListener(
            closeAfter ? written -> closeGently() : ChannelFutureListener.CLOSE_ON_FAILURE);
    whenEnded.run();
  }

  /**
   * Closes our direction first and the rest when the client has, or a second later: closing at once
   * with bytes unread would make the client's system throw our answer away (RFC 9112, 9.6).
   */
  private void closeGently() {
    if (channel instanceof DuplexChannel duplex && channel.isActive()) {
      duplex.shutdownOutput();
      channel.eventLoop().schedule(() -> channel.close(), 1, TimeUnit.SECONDS);
    } else {
      channel.close();
    }
  }
}
