package dev.kappa.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who holds how much of the memory for bodies, and for how long. */
class BodyBudgetTest {

  private static final int BUDGET = 100;

  private final Queue<Exchange> exchanges = new ArrayDeque<>();
  private final BodyBudget budget = new BodyBudget(BUDGET);
  private final List<EmbeddedChannel> channels = new ArrayList<>();

  @AfterEach
  void close() {
    channels.forEach(EmbeddedChannel::finishAndReleaseAll);
    assertThat(budget.take(BUDGET)).as("all was given back").isTrue();
  }

  private EmbeddedChannel connect() {
    EmbeddedChannel channel = new EmbeddedChannel();
    Router router = new Router(Runnable::run, null).post("/work", exchanges::add);
    HttpListener.addHandlers(
        channel, router, HttpLimits.DEFAULT.withMaxBodyBytes(90), new InFlight(), budget);
    channels.add(channel);
    return channel;
  }

  private static void send(EmbeddedChannel channel, int length, int sent) {
    Wire.send(channel, "POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + "\r\n\r\n");
    Wire.send(channel, "x".repeat(sent));
  }

  @Test
  void refusesWhatExceedsItAndTakesItOnceOthersAreAnswered() {
    EmbeddedChannel first = connect();
    send(first, 60, 60);
    EmbeddedChannel second = connect();
    send(second, 60, 60);
    assertThat(Wire.received(second)).startsWith("HTTP/1.1 503").contains("unavailable");
    exchanges.remove().respond(200, new byte[0]);
    EmbeddedChannel third = connect();
    send(third, 60, 60);
    assertThat(Wire.received(third)).isEmpty();
    assertThat(exchanges).hasSize(1);
  }

  @Test
  void givesBackWhatAClientThatLeftHadSent() {
    EmbeddedChannel half = connect();
    send(half, 90, 80);
    EmbeddedChannel whole = connect();
    send(whole, 20, 20);
    assertThat(budget.take(1)).isFalse();
    half.close();
    whole.close();
    assertThat(budget.take(BUDGET)).isTrue();
    budget.give(BUDGET);
  }

  @Test
  void givesBackWhatIsRefused() {
    EmbeddedChannel large = connect();
    Wire.send(large, "POST /work HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    Wire.send(large, "50\r\n" + "x".repeat(0x50) + "\r\n");
    assertThat(budget.take(30)).isFalse();
    Wire.send(large, "50\r\n" + "x".repeat(0x50) + "\r\n");
    assertThat(Wire.received(large)).startsWith("HTTP/1.1 413");
    EmbeddedChannel bad = connect();
    Wire.send(bad, "POST /%zz HTTP/1.1\r\nHost: a\r\nContent-Length: 90\r\n\r\n" + "x".repeat(90));
    assertThat(Wire.received(bad)).startsWith("HTTP/1.1 400");
    assertThat(budget.take(BUDGET)).isTrue();
    budget.give(BUDGET);
  }

  @Test
  void countsRequestsThatWaitBehindOthersOfTheirConnection() {
    EmbeddedChannel channel = connect();
    send(channel, 40, 40);
    send(channel, 40, 40);
    assertThat(exchanges).hasSize(1);
    assertThat(budget.take(30)).isFalse();
    exchanges.remove().respond(200, new byte[0]);
    exchanges.remove().respond(200, new byte[0]);
    assertThat(budget.take(BUDGET)).isTrue();
    budget.give(BUDGET);
  }
}
