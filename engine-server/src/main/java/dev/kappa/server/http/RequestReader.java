package dev.kappa.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/**
 * Collects each request's parts into an {@link HttpCall}. After something unreadable it swallows
 * whatever else arrives.
 */
// A write or close that fails closes the channel, which is where failures are handled.
@SuppressWarnings("FutureReturnValueIgnored")
final class RequestReader extends SimpleChannelInboundHandler<HttpObject> {

  private final int maxBodyBytes;
  private final BodyBudget budget;
  private @Nullable HttpRequest head;
  private ByteArrayOutputStream body = new ByteArrayOutputStream();
  private long arrivedNanos;
  private boolean broken;
  private boolean answering;

  /** Bytes taken of the budget for this connection's requests, none of which was answered yet. */
  private long held;

  RequestReader(int maxBodyBytes, BodyBudget budget) {
    this.maxBodyBytes = maxBodyBytes;
    this.budget = budget;
  }

  /** Whether a request has begun to arrive and is not complete. */
  boolean midRequest() {
    return head != null && !broken;
  }

  /** Tells whether an answer is on its way, which nothing may come between. */
  void answering(boolean answering) {
    this.answering = answering;
  }

  /** A request that was read has been answered. */
  void answered(HttpCall call) {
    giveBack(call.body().length);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    giveBack(held);
    broken = true;
    ctx.fireChannelInactive();
  }

  private void giveBack(long bytes) {
    held -= bytes;
    budget.give(bytes);
  }

  @Override
  protected void channelRead0(ChannelHandlerContext ctx, HttpObject part) {
    if (broken) {
      return;
    }
    DecoderResult result = part.decoderResult();
    if (result.isFailure()) {
      refuse(ctx, malformed(result.cause()));
      return;
    }
    if (part instanceof HttpRequest request) {
      begin(ctx, request);
    }
    if (part instanceof HttpContent content && head != null && !broken) {
      append(ctx, content.content());
      if (part instanceof LastHttpContent && !broken) {
        complete(ctx, head);
      }
    }
  }

  private void begin(ChannelHandlerContext ctx, HttpRequest request) {
    arrivedNanos = System.nanoTime();
    head = request;
    if (HttpUtil.getContentLength(request, 0L) > maxBodyBytes) {
      refuse(ctx, tooLarge());
    } else if (HttpUtil.is100ContinueExpected(request)) {
      // Without it the client sends its body a little later (RFC 9110, 10.1.1).
      if (!answering) {
        ctx.writeAndFlush(
            new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER));
      }
    } else if (request.headers().contains(HttpHeaderNames.EXPECT)
        && !request.protocolVersion().equals(HttpVersion.HTTP_1_0)) {
      refuse(ctx, ApiError.invalid(417, "the only expectation that can be met is 100-continue"));
    }
  }

  private void append(ChannelHandlerContext ctx, ByteBuf content) {
    if (body.size() + (long) content.readableBytes() > maxBodyBytes) {
      refuse(ctx, tooLarge());
      return;
    }
    if (!budget.take(content.readableBytes())) {
      refuse(ctx, ApiError.unavailable("other requests' bodies take all memory there is for them"));
      return;
    }
    held += content.readableBytes();
    try {
      content.readBytes(body, content.readableBytes());
    } catch (IOException e) {
      throw new UncheckedIOException("a byte array refused bytes", e);
    }
  }

  private void complete(ChannelHandlerContext ctx, HttpRequest request) {
    QueryStringDecoder uri = new QueryStringDecoder(originForm(request.uri()));
    String path;
    try {
      path = uri.path();
    } catch (IllegalArgumentException e) {
      refuse(ctx, ApiError.invalid(400, "the request's path is not well encoded"));
      return;
    }
    byte[] bytes = body.toByteArray();
    reset();
    ctx.fireChannelRead(
        new HttpCall(
            request.method().name(),
            path,
            uri.rawQuery(),
            request.headers(),
            bytes,
            HttpUtil.isKeepAlive(request),
            request.protocolVersion().equals(HttpVersion.HTTP_1_0),
            arrivedNanos));
  }

  private void refuse(ChannelHandlerContext ctx, ApiError error) {
    broken = true;
    giveBack(body.size());
    reset();
    ctx.fireChannelRead(new Incoming.Unreadable(error));
  }

  private void reset() {
    head = null;
    body = new ByteArrayOutputStream();
  }

  private ApiError tooLarge() {
    return ApiError.invalid(413, "the body is larger than " + maxBodyBytes + " bytes");
  }

  private static ApiError malformed(Throwable cause) {
    return switch (cause) {
      case TooLongHttpLineException e -> ApiError.invalid(414, "the request line is too long");
      case TooLongHttpHeaderException e -> ApiError.invalid(431, "the headers are too long");
      default -> ApiError.invalid(400, "not a well-formed HTTP request");
    };
  }

  /** Strips scheme and host, which proxies' clients send (RFC 9112, 3.2.2). */
  private static String originForm(String uri) {
    int scheme = uri.indexOf("://");
    if (scheme <= 0 || uri.startsWith("/")) {
      return uri;
    }
    int path = uri.indexOf('/', scheme + 3);
    return path < 0 ? "/" : uri.substring(path);
  }
}
