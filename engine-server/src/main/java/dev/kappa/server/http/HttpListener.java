package dev.kappa.server.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;

/** Listens on a port and owns the connections and event loops behind it. */
// A write or close that fails closes the channel, which is where failures are handled.
@SuppressWarnings("FutureReturnValueIgnored")
public final class HttpListener implements AutoCloseable {

  private static final int MAX_REQUEST_LINE = 16 << 10;
  private static final int MAX_HEADERS = 64 << 10;
  private static final Duration LAST_WRITES = Duration.ofSeconds(2);

  private final MultiThreadIoEventLoopGroup loops;
  private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final InFlight inFlight = new InFlight();
  private final BodyBudget bodies;
  private final Channel socket;
  private volatile boolean closing;

  /**
   * Starts to listen.
   *
   * @throws IOException if the address cannot be listened on, saying which and why
   */
  public HttpListener(InetSocketAddress address, Router router, HttpLimits limits)
      throws IOException {
    bodies = BodyBudget.of(limits);
    int threads = Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 4);
    loops =
        new MultiThreadIoEventLoopGroup(
            threads, new DefaultThreadFactory("kappa-http"), NioIoHandler.newFactory());
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, 1024)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    accept(channel, router, limits);
                  }
                });
    var bound = bootstrap.bind(address).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      loops.shutdownGracefully(0, 0, TimeUnit.SECONDS);
      throw new IOException(
          "cannot listen on %s:%d: %s"
              .formatted(address.getHostString(), address.getPort(), bound.cause().getMessage()),
          bound.cause());
    }
    socket = bound.channel();
  }

  private void accept(SocketChannel channel, Router router, HttpLimits limits) {
    addHandlers(channel, router, limits, inFlight, bodies);
    connections.add(channel);
    if (closing) {
      channel.close();
    }
  }

  /** Makes a channel speak HTTP. */
  static void addHandlers(
      Channel channel, Router router, HttpLimits limits, InFlight inFlight, BodyBudget bodies) {
    HttpDecoderConfig config =
        new HttpDecoderConfig()
            .setMaxInitialLineLength(MAX_REQUEST_LINE)
            .setMaxHeaderSize(MAX_HEADERS);
    RequestReader reader = new RequestReader(limits.maxBodyBytes(), bodies);
    channel
        .pipeline()
        .addLast(new HttpServerCodec(config))
        .addLast(new IdleStateHandler(true, 0, 0, limits.idle().toMillis(), TimeUnit.MILLISECONDS))
        .addLast(reader)
        .addLast(new Connection(router, reader, inFlight, limits.ping()));
  }

  /** The port listened on, also where 0 was asked for. */
  public int port() {
    return ((InetSocketAddress) socket.localAddress()).getPort();
  }

  /** Requests being answered. */
  public int inFlight() {
    return inFlight.count();
  }

  /**
   * Stops listening, lets requests in flight finish for a while, then ends the rest with an error.
   * Does nothing the second time.
   */
  public void close(Duration grace) {
    synchronized (this) {
      if (closing) {
        return;
      }
      closing = true;
    }
    socket.close().awaitUninterruptibly();
    onEach(Connection::drain);
    boolean interrupted = false;
    try {
      if (!inFlight.awaitEmpty(grace)) {
        ApiError error = ApiError.unavailable("the server is shutting down");
        onEach((connection, ctx) -> connection.abort(error));
        inFlight.awaitEmpty(LAST_WRITES);
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    loops
        .shutdownGracefully(0, LAST_WRITES.toMillis(), TimeUnit.MILLISECONDS)
        .awaitUninterruptibly();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Closes without any grace. */
  @Override
  public void close() {
    close(Duration.ZERO);
  }

  private void onEach(BiConsumer<Connection, ChannelHandlerContext> action) {
    for (Channel channel : connections) {
      channel
          .eventLoop()
          .execute(() -> {
            ChannelHandlerContext ctx = channel.pipeline().context(Connection.class);
            if (ctx != null) {
              action.accept((Connection) ctx.handler(), ctx);
            }
          });
    }
  }
}
