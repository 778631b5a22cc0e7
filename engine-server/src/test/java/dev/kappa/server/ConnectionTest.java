package dev.kappa.server;

import static dev.kappa.server.testing.RawClient.postText;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.Finish;
import dev.kappa.server.backend.SamplingDefaults;
import dev.kappa.server.http.HttpLimits;
import dev.kappa.server.testing.PrometheusText;
import dev.kappa.server.testing.RawClient;
import dev.kappa.server.testing.Submission;
import dev.kappa.server.testing.TestServer;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(300)
class ConnectionTest {

  private static final String PATH = "/v1/completions";
  private static final int MAX_BODY = 1 << 16;

  private final TestServer server =
      new TestServer(
          ServerOptions.local().withLimits(HttpLimits.DEFAULT.withMaxBodyBytes(MAX_BODY)),
          SamplingDefaults.NEUTRAL);

  @AfterEach
  void close() {
    server.close();
  }

  private RawClient connect() throws Exception {
    return new RawClient(server.port());
  }

  @Test
  void keepsTheConnectionOpen() throws Exception {
    server.answerWithLetters();
    try (RawClient client = connect()) {
      for (int i = 1; i <= 3; i++) {
        client.post(PATH, "{\"prompt\":\"x\",\"max_tokens\":" + i + "}");
        assertThat(client.receive().body()).contains("\"completion_tokens\":" + i);
      }
      client.post(PATH, "{\"prompt\":\"x\",\"max_tokens\":1,\"stream\":true}");
      assertThat(client.receive().body()).endsWith("data: [DONE]\n\n");
      client.post(PATH, "nonsense");
      assertThat(client.receive().status()).isEqualTo(400);
      client.send("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      assertThat(client.receive().head().toLowerCase(Locale.ROOT)).contains("connection: close");
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void answersPipelinedRequestsInTheirOrder() throws Exception {
    try (RawClient client = connect()) {
      int count = 30;
      StringBuilder requests = new StringBuilder();
      for (int i = 0; i < count; i++) {
        requests.append(postText(PATH, "{\"prompt\":[" + i + "]}"));
        requests.append("GET /version HTTP/1.1\r\nHost: a\r\n\r\n");
      }
      client.send(requests.toString());
      for (int i = 0; i < count; i++) {
        Submission submission = server.backend().next();
        assertThat(submission.request().prompt()).containsExactly(i);
        submission.text("" + i).finish(Finish.Reason.STOP);
        assertThat(client.receive().body()).contains("\"text\":\"" + i + "\"");
        assertThat(client.receive().body()).contains("version");
      }
    }
  }

  @Test
  void cancelsWhenAStreamsClientLeaves() throws Exception {
    Submission submission;
    try (RawClient client = connect()) {
      client.post(PATH, "{\"prompt\":[\"x\",\"y\"],\"stream\":true}");
      submission = server.backend().next();
      submission.text("a");
      client.receiveUntil("\"text\":\"a\"");
    }
    assertThat(submission.awaitCancelled()).isTrue();
    assertThat(server.backend().next().awaitCancelled()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void cancelsWhenAClientLeavesBeforeAnyAnswer(boolean crash) throws Exception {
    RawClient client = connect();
    client.post(PATH, "{\"prompt\":\"x\"}");
    Submission submission = server.backend().next();
    if (crash) {
      client.reset();
    } else {
      client.close();
    }
    assertThat(submission.awaitCancelled()).isTrue();
  }

  @Test
  void forgetsPipelinedRequestsOfAClientThatLeft() throws Exception {
    try (RawClient client = connect()) {
      client.post(PATH, "{\"prompt\":[1]}").post(PATH, "{\"prompt\":[2]}");
      server.backend().next();
    }
    Submission first = server.backend().all().getFirst();
    assertThat(first.awaitCancelled()).isTrue();
    assertThat(server.get("/health").statusCode()).isEqualTo(200);
    assertThat(server.backend().all()).hasSize(1);
  }

  @Test
  void refusesBodiesThatAreTooLarge() throws Exception {
    var response = server.post(PATH, "{\"prompt\":\"" + "x".repeat(4 * MAX_BODY) + "\"}");
    assertThat(response.statusCode()).isEqualTo(413);
    assertThat(response.body()).contains("\"error\"").contains("" + MAX_BODY);
  }

  @Test
  void refusesChunkedBodiesThatGrowTooLarge() throws Exception {
    try (RawClient client = connect()) {
      client.send("POST " + PATH + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      String chunk = "4000\r\n" + "x".repeat(0x4000) + "\r\n";
      for (int i = 0; i < 5; i++) {
        client.send(chunk);
      }
      assertThat(client.receive().status()).isEqualTo(413);
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  @Test
  void readsChunkedBodies() throws Exception {
    server.answerWithLetters();
    try (RawClient client = connect()) {
      client.send("POST " + PATH + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (String part : List.of("{\"pro", "mpt\":\"x\"", ",\"max_tokens\":2}")) {
        client.send(Integer.toHexString(part.length()) + "\r\n" + part + "\r\n");
      }
      client.send("0\r\n\r\n");
      assertThat(client.receive().body()).contains("\"text\":\"ab\"");
    }
  }

  @Test
  void saysContinueOnlyToBodiesItWillTake() throws Exception {
    server.answerWithLetters();
    String body = "{\"prompt\":\"x\",\"max_tokens\":1}";
    String head =
        "POST %s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n";
    try (RawClient client = connect()) {
      client.send(head.formatted(PATH, body.length()));
      assertThat(client.receive().status()).isEqualTo(100);
      client.send(body);
      assertThat(client.receive().status()).isEqualTo(200);
    }
    try (RawClient client = connect()) {
      client.send(head.formatted(PATH, 1_000_000_000));
      assertThat(client.receive().status()).isEqualTo(413);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/1.1\r\nHost\r\n\r\n",
        "POST /v1/completions HTTP/1.1\r\nContent-Length: abc\r\n\r\n",
        "POST /v1/completions HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "POST /v1/completions HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "POST /v1/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        "\u0016\u0003\u0001\u0002 TLS hello\r\n\r\n"
      })
  void refusesWhatIsNoHttp(String request) throws Exception {
    try (RawClient client = connect()) {
      RawClient.Response response = client.send(request).receive();
      assertThat(response.status()).isIn(400, 404);
      assertThat(response.body()).startsWith("{\"error\":{");
    }
    assertThat(server.get("/health").statusCode()).isEqualTo(200);
  }

  @Test
  void refusesEndlessHeads() throws Exception {
    try (RawClient client = connect()) {
      assertThat(client.send("GET /" + "x".repeat(100_000)).receive().status()).isEqualTo(414);
    }
    try (RawClient client = connect()) {
      client.send("GET / HTTP/1.1\r\nA: " + "x".repeat(200_000));
      assertThat(client.receive().status()).isEqualTo(431);
    }
  }

  @Test
  void answersHeadWithoutABody() throws Exception {
    try (RawClient client = connect()) {
      client.send(
          "HEAD /health HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n");
      String first = client.receiveUntil("\r\n\r\n");
      assertThat(first).startsWith("HTTP/1.1 200").contains("content-length: 15");
      assertThat(client.receive().body()).isEqualTo("{\"status\":\"ok\"}");
    }
  }

  @Test
  void speaksHttp10() throws Exception {
    server.answerWithLetters();
    String body = "{\"prompt\":\"x\",\"max_tokens\":1,\"stream\":true}";
    try (RawClient client = connect()) {
      client.send(
          "POST %s HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s".formatted(PATH, body.length(), body));
      String all = client.receiveUntil("data: [DONE]\n\n");
      assertThat(all).doesNotContainIgnoringCase("chunked");
      assertThat(client.isClosedByServer()).isTrue();
    }
  }

  /** RFC 9110, 10.1.1. */
  @Test
  void heedsNoExpectationOfHttp10() throws Exception {
    server.answerWithLetters();
    String body = "{\"prompt\":\"x\",\"max_tokens\":1}";
    try (RawClient client = connect()) {
      client.send(
          "POST %s HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n%s"
              .formatted(PATH, body.length(), body));
      assertThat(client.receive().status()).isEqualTo(200);
    }
  }

  @Test
  void echoesRequestIdsAndMakesThem() throws Exception {
    var named = server.send(server.request("/health").header("X-Request-Id", "abc-1").build());
    assertThat(named.headers().firstValue("x-request-id")).contains("abc-1");
    var unnamed = server.get("/health");
    assertThat(unnamed.headers().firstValue("x-request-id").orElseThrow()).matches("[0-9a-f]{24}");
    var bad = server.send(server.request("/health").header("X-Request-Id", "a b").build());
    assertThat(bad.headers().firstValue("x-request-id").orElseThrow()).matches("[0-9a-f]{24}");
  }

  @Test
  void servesManyClientsAtOnce() throws Exception {
    server.answerWithLetters();
    List<CompletableFuture<HttpResponse<String>>> responses = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      boolean stream = i % 2 == 0;
      responses.add(
          server.postAsync(
              PATH,
              "{\"prompt\":[%d],\"max_tokens\":%d,\"stream\":%s}".formatted(i, 1 + i % 7, stream)));
    }
    for (int i = 0; i < 200; i++) {
      HttpResponse<String> response = responses.get(i).get();
      assertThat(response.statusCode()).isEqualTo(200);
      int tokens = 1 + i % 7;
      if (i % 2 == 0) {
        assertThat(TestServer.events(response.body())).hasSize(tokens + 2);
      } else {
        String text = "abcdefg".substring(0, tokens);
        assertThat(response.body()).contains("\"text\":\"" + text + "\"");
      }
    }
    assertThat(server.backend().all()).hasSize(200).noneMatch(Submission::isCancelled);
  }

  @Test
  void doesNotHoldUpOthersForAClientThatDoesNotRead() throws Exception {
    try (RawClient slow = connect()) {
      slow.post(PATH, "{\"prompt\":\"x\",\"stream\":true,\"max_tokens\":500}");
      Submission stuck = server.backend().next();
      // More than the system's own buffers take, less than what is kept for a client.
      String text = "x".repeat(1 << 17);
      for (int i = 0; i < 96; i++) {
        stuck.bulk(text);
      }
      server.answerWithLetters();
      assertThat(server.post(PATH, "{\"prompt\":\"y\"}").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void givesUpAStreamThatItsClientLeavesUnread() throws Exception {
    try (RawClient deaf = connect()) {
      deaf.post(PATH, "{\"prompt\":\"x\",\"stream\":true,\"max_tokens\":500}");
      Submission unread = server.backend().next();
      String text = "x".repeat(1 << 17);
      // What is kept for a client, and what the system's own buffers take, several times over.
      for (int i = 0; i < 512 && !unread.isCancelled(); i++) {
        unread.bulk(text);
      }
      assertThat(unread.awaitCancelled()).isTrue();
      String aborts =
          "kappa_request_success_total{engine=\"0\",finished_reason=\"abort\",model_name=\"tiny\"}";
      while (!Double.valueOf(1)
          .equals(PrometheusText.parse(server.get("/metrics").body()).get(aborts))) {
        Thread.sleep(10);
      }
    }
  }

  @Test
  void beginsNoRequestWhileAnEarlierAnswerIsUnread() throws Exception {
    int length = 16 << 20;
    try (RawClient slow = connect()) {
      slow.post(PATH, "{\"prompt\":[1]}").post(PATH, "{\"prompt\":[2]}");
      server.backend().next().bulk("y".repeat(length)).finish(Finish.Reason.STOP);
      slow.awaitAny();
      // Long enough to notice in most runs if the second one were begun.
      Thread.sleep(500);
      assertThat(server.backend().all()).hasSize(1);
      assertThat(slow.receive().body()).hasSizeGreaterThan(length);
      server.backend().next().text("z").finish(Finish.Reason.STOP);
      assertThat(slow.receive().body()).contains("\"text\":\"z\"");
    }
  }

  @Test
  void closesConnectionsThatAreUnused() throws Exception {
    HttpLimits limits = HttpLimits.DEFAULT.withIdle(Duration.ofMillis(100));
    try (TestServer hasty =
            new TestServer(ServerOptions.local().withLimits(limits), SamplingDefaults.NEUTRAL);
        RawClient unused = new RawClient(hasty.port())) {
      assertThat(unused.isClosedByServer()).isTrue();
    }
  }

  @Test
  void breaksTheSilenceOfAStreamByComments() throws Exception {
    HttpLimits limits = HttpLimits.DEFAULT.withPing(Duration.ofMillis(30));
    try (TestServer server =
            new TestServer(ServerOptions.local().withLimits(limits), SamplingDefaults.NEUTRAL);
        RawClient client = new RawClient(server.port())) {
      client.post(PATH, "{\"prompt\":\"x\",\"stream\":true}");
      assertThat(client.receiveUntil(": waiting\n\n")).startsWith("HTTP/1.1 200");
      client.receiveUntil(": waiting\n\n");
      server.backend().next().text("late").finish(Finish.Reason.STOP);
      client.receiveUntil("\"text\":\"late\"");
      assertThat(client.receiveUntil("0\r\n\r\n")).contains("data: [DONE]");
      // The connection is of use afterwards, and no comment strays into it.
      Thread.sleep(100);
      client.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.receive().status()).isEqualTo(200);
    }
  }
}
