package dev.kappa.server.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.timeout.IdleStateEvent;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Answers a connection's requests one after the other, in the order of arrival. It keeps reading
 * while one is in flight, for that is how a client's leaving is noticed, and stops only when
 * several more have piled up. None is begun while the client leaves earlier answers unread.
 */
// A write or close that fails closes the channel, which is where failures are handled.
@SuppressWarnings("FutureReturnValueIgnored")
final class Connection extends SimpleChannelInboundHandler<Incoming> {

  private static final int MAX_PIPELINED = 8;

  private final Router router;
  private final RequestReader reader;
  private final InFlight inFlight;
  private final Duration ping;
  private final Deque<Incoming> queue = new ArrayDeque<>();
  private @Nullable Exchange current;
  private boolean advancing;
  private boolean closing;
  private boolean draining;

  Connection(Router router, RequestReader reader, InFlight inFlight, Duration ping) {
    this.ping = ping;
    this.router = router;
    this.reader = reader;
    this.inFlight = inFlight;
  }

  @Override
  protected void channelRead0(ChannelHandlerContext ctx, Incoming message) {
    if (closing) {
      return;
    }
    queue.add(message);
    if (queue.size() >= MAX_PIPELINED) {
      ctx.channel().config().setAutoRead(false);
    }
    advance(ctx);
  }

  private void advance(ChannelHandlerContext ctx) {
    if (advancing) {
      return;
    }
    advancing = true;
    // Where the server shuts down, answers are short, and the first is the last.
    while (current == null
        && !queue.isEmpty()
        && !closing
        && (draining || ctx.channel().isWritable())) {
      start(ctx, queue.remove());
    }
    advancing = false;
    if (queue.size() < MAX_PIPELINED) {
      ctx.channel().config().setAutoRead(true);
    }
    if (draining && current == null && !closing) {
      ctx.close();
    }
  }

  private void start(ChannelHandlerContext ctx, Incoming message) {
    HttpCall call =
        switch (message) {
          case HttpCall read -> read;
          case Incoming.Unreadable bad ->
              new HttpCall(
                  "",
                  "",
                  "",
                  new DefaultHttpHeaders(),
                  new byte[0],
                  false,
                  false,
                  System.nanoTime());
        };
    Exchange exchange =
        new Exchange(
            ctx.channel(),
            call,
            RequestIds.of(call.headers()),
            ping,
            () -> ended(ctx),
            inFlight::remove);
    current = exchange;
    reader.answering(true);
    inFlight.add();
    if (draining) {
      exchange.closeAfter();
    }
    if (message instanceof Incoming.Unreadable bad) {
      exchange.fail(bad.error());
    } else if (draining) {
      exchange.fail(ApiError.unavailable("the server is shutting down"));
    } else {
      router.route(exchange);
    }
  }

  private void ended(ChannelHandlerContext ctx) {
    Exchange exchange = current;
    if (exchange == null) {
      return;
    }
    closing |= exchange.closesAfter();
    current = null;
    reader.answered(exchange.call());
    reader.answering(false);
    advance(ctx);
  }

  /** Takes no more requests; closes as soon as none is in flight. On the event loop. */
  void drain(ChannelHandlerContext ctx) {
    draining = true;
    Exchange exchange = current;
    if (exchange != null) {
      exchange.closeAfter();
    } else if (!queue.isEmpty()) {
      advance(ctx);
    } else if (!closing) {
      closeOnceWritten(ctx);
    }
  }

  /** A client that reads slowly may not have all of its answer yet; closing would discard it. */
  private static void closeOnceWritten(ChannelHandlerContext ctx) {
    ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
  }

  /** Ends the request in flight with an error. On the event loop. */
  void abort(ApiError error) {
    Exchange exchange = current;
    if (exchange != null) {
      exchange.closeAfter();
      exchange.cut(error);
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    advance(ctx);
    ctx.fireChannelWritabilityChanged();
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    closing = true;
    queue.clear();
    Exchange exchange = current;
    if (exchange != null) {
      current = null;
      inFlight.remove();
      exchange.abandon();
    }
    ctx.fireChannelInactive();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (!(event instanceof IdleStateEvent)) {
      ctx.fireUserEventTriggered(event);
      return;
    }
    // Nothing moved either way: an unused connection, a request that stopped half-way, or a client
    // that does not read its answer. A request being worked on may take its time.
    if (current == null && reader.midRequest()) {
      channelRead(ctx, ApiError.invalid(408, "the rest of the request did not arrive in time"));
    } else if (current == null || !ctx.channel().isWritable()) {
      ctx.close();
    }
  }

  private void channelRead(ChannelHandlerContext ctx, ApiError error) {
    channelRead0(ctx, new Incoming.Unreadable(error));
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    // Resets and broken pipes are everyday; whatever else happens, this connection is done for.
    System.getLogger(Connection.class.getName())
        .log(System.Logger.Level.DEBUG, "connection failed", cause);
    ctx.close();
  }
}
