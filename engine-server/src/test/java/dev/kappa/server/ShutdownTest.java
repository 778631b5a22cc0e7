package dev.kappa.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.engine.Finish;
import dev.kappa.server.backend.SamplingDefaults;
import dev.kappa.server.http.HttpLimits;
import dev.kappa.server.testing.Patience;
import dev.kappa.server.testing.RawClient;
import dev.kappa.server.testing.Submission;
import dev.kappa.server.testing.TestServer;
import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class ShutdownTest {

  private static final String PATH = "/v1/completions";

  private final TestServer server = new TestServer();

  @AfterEach
  void close() {
    server.close();
  }

  private CompletableFuture<Void> shutDown(Duration grace) {
    return CompletableFuture.runAsync(() -> server.server().close(grace));
  }

  /** The selector lets go of a closed socket only in its next round. */
  private void awaitRefused() throws IOException {
    while (true) {
      try {
        new RawClient(server.port()).close();
      } catch (ConnectException e) {
        return;
      }
    }
  }

  @Test
  void letsRequestsFinishButTakesNoMore() throws Exception {
    try (RawClient busy = new RawClient(server.port());
        RawClient unused = new RawClient(server.port())) {
      unused.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n").receive();
      busy.post(PATH, "{\"prompt\":\"x\"}");
      Submission submission = server.backend().next();
      CompletableFuture<Void> down = shutDown(Patience.LIMIT);
      assertThat(unused.isClosedByServer()).isTrue();
      awaitRefused();
      assertThat(down).isNotDone();
      submission.text("done").finish(Finish.Reason.STOP);
      RawClient.Response response = busy.receive();
      assertThat(response.status()).isEqualTo(200);
      assertThat(response.body()).contains("done");
      assertThat(busy.isClosedByServer()).isTrue();
      down.get();
      assertThat(submission.isCancelled()).isFalse();
    }
  }

  @Test
  void endsWhatIsLeftWithAnErrorWhenTheGraceIsOver() throws Exception {
    try (RawClient whole = new RawClient(server.port());
        RawClient stream = new RawClient(server.port())) {
      whole.post(PATH, "{\"prompt\":\"x\"}");
      Submission first = server.backend().next();
      stream.post(PATH, "{\"prompt\":\"x\",\"stream\":true}");
      Submission second = server.backend().next();
      second.text("a");
      stream.receiveUntil("\"text\":\"a\"");
      CompletableFuture<Void> down = shutDown(Duration.ofMillis(100));
      assertThat(whole.receive().status()).isEqualTo(503);
      assertThat(stream.receiveUntil("0\r\n\r\n")).contains("{\"error\":{\"message\":");
      assertThat(first.awaitCancelled()).isTrue();
      assertThat(second.awaitCancelled()).isTrue();
      down.get();
    }
  }

  @Test
  void waitsUntilAnswersAreWritten() throws Exception {
    int length = 16 << 20;
    try (RawClient slow = new RawClient(server.port())) {
      slow.post(PATH, "{\"prompt\":\"x\"}");
      server.backend().next().bulk("y".repeat(length)).finish(Finish.Reason.STOP);
      CompletableFuture<Void> down = shutDown(Patience.LIMIT);
      awaitRefused();
      assertThat(slow.receive().body()).hasSizeGreaterThan(length).endsWith("}");
      down.get();
    }
  }

  @Test
  void saysWhichPortIsInUse() {
    ServerOptions options =
        new ServerOptions("127.0.0.1", server.port(), null, HttpLimits.DEFAULT, 0);
    assertThatThrownBy(() -> new TestServer(options, SamplingDefaults.NEUTRAL))
        .hasRootCauseMessage("Address already in use")
        .cause()
        .isInstanceOf(IOException.class)
        .hasMessageContaining("127.0.0.1:" + server.port())
        .hasMessageContaining("in use");
  }
}
