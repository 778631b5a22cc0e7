package dev.kappa.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When connections on which nothing moves are closed, in time that the test makes pass. */
class IdleConnectionTest {

  private static final Duration IDLE = Duration.ofSeconds(10);
  private static final Duration ALMOST = IDLE.minusMillis(1);

  private final Queue<Exchange> exchanges = new ArrayDeque<>();
  private final EmbeddedChannel channel = new EmbeddedChannel();

  @BeforeEach
  void connect() {
    channel.freezeTime();
    Router router = new Router(Runnable::run, null).post("/work", exchanges::add);
    HttpListener.addHandlers(
        channel, router, HttpLimits.DEFAULT.withIdle(IDLE), new InFlight(), new BodyBudget(1_000));
  }

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
  }

  private void pass(Duration time) {
    channel.advanceTimeBy(time.toNanos(), TimeUnit.NANOSECONDS);
    channel.runPendingTasks();
  }

  @Test
  void closesWhatIsUnused() {
    pass(ALMOST);
    assertThat(channel.isOpen()).isTrue();
    pass(IDLE);
    assertThat(channel.isOpen()).isFalse();
    assertThat(Wire.received(channel)).isEmpty();
  }

  @Test
  void tellsTheClientOfARequestThatStopsHalfWay() {
    pass(ALMOST);
    Wire.send(channel, "POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{");
    pass(ALMOST);
    assertThat(Wire.received(channel)).isEmpty();
    pass(IDLE);
    assertThat(Wire.received(channel)).startsWith("HTTP/1.1 408");
    assertThat(channel.isOpen()).isFalse();
    assertThat(exchanges).isEmpty();
  }

  @Test
  void waitsAsLongAsARequestIsWorkedOn() {
    Wire.send(channel, "POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}");
    pass(IDLE.multipliedBy(5));
    assertThat(channel.isOpen()).isTrue();
    exchanges.remove().respond(200, new byte[] {'{', '}'});
    assertThat(Wire.received(channel)).startsWith("HTTP/1.1 200").endsWith("{}");
    pass(ALMOST);
    assertThat(channel.isOpen()).isTrue();
    pass(IDLE);
    assertThat(channel.isOpen()).isFalse();
  }
}
