package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.EngineException;
import dev.kappa.engine.EngineStats;
import dev.kappa.engine.Finish;
import dev.kappa.roofline.MeasuredRates;
import dev.kappa.server.backend.SamplingDefaults;
import dev.kappa.server.testing.ByteTokenizer;
import dev.kappa.server.testing.KvBooks;
import dev.kappa.server.testing.RawClient;
import dev.kappa.server.testing.Submission;
import dev.kappa.server.testing.TestServer;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

@Timeout(300)
class QueueLimitTest {

  private static final String PATH = "/v1/completions";
  private static final String CHAT = "/v1/chat/completions";
  private static final String PROMPT = "{\"prompt\":\"x\"}";

  private final TestServer server = limited(2);

  @AfterEach
  void close() {
    server.close();
  }

  private static TestServer limited(int requests) {
    return new TestServer(
        ServerOptions.local().withMaxQueuedRequests(requests), SamplingDefaults.NEUTRAL);
  }

  private void stats(int running, int waiting) {
    server
        .backend()
        .stats(
            new EngineStats(
                running,
                waiting,
                0,
                KvBooks.of(0, 0, 64),
                0,
                0,
                0,
                0,
                0,
                0,
                MeasuredRates.NONE,
                false));
  }

  private static void assertQueueFull(HttpResponse<String> response) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(429);
    assertThat(response.headers().firstValue("retry-after")).contains("1");
    JsonNode error = json(response).get("error");
    assertThat(error.get("type").asString()).isEqualTo("rate_limit_error");
    assertThat(error.get("code").asString()).isEqualTo("queue_full");
    assertThat(error.get("message").asString()).contains("2 requests");
  }

  @Test
  void refusesWhatExceedsItUntilARequestEnds() throws Exception {
    var first = server.postAsync(PATH, PROMPT);
    Submission submission = server.backend().next();
    var second = server.postAsync(PATH, PROMPT);
    server.backend().next();
    assertQueueFull(server.post(PATH, PROMPT));
    assertQueueFull(
        server.post(
            CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stream\":true}"));
    assertThat(server.backend().all()).hasSize(2);
    submission.finish(Finish.Reason.STOP);
    assertThat(first.get().statusCode()).isEqualTo(200);
    var third = server.postAsync(PATH, PROMPT);
    server.backend().next();
    assertQueueFull(server.post(PATH, PROMPT));
    assertThat(second).isNotDone();
    assertThat(third).isNotDone();
  }

  @Test
  void countsOnlyWhatTheEngineDoesNotRun() throws Exception {
    List<CompletableFuture<HttpResponse<String>>> responses = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      stats(i, 0);
      responses.add(server.postAsync(PATH, PROMPT));
      server.backend().next();
    }
    stats(2, 2);
    assertQueueFull(server.post(PATH, PROMPT));
    stats(3, 1);
    responses.add(server.postAsync(PATH, PROMPT));
    server.backend().next();
    assertThat(responses).noneMatch(CompletableFuture::isDone);
  }

  @Test
  void heedsWhatOthersHaveWaitingInTheEngine() throws Exception {
    server.answerWithLetters();
    stats(0, 2);
    assertQueueFull(server.post(PATH, PROMPT));
    stats(0, 1);
    assertThat(server.post(PATH, PROMPT).statusCode()).isEqualTo(200);
  }

  @Test
  void isFoundFullBeforeTheRequestIsRead() throws Exception {
    stats(0, 2);
    assertQueueFull(server.post(PATH, "{\"prompt\":\"" + ByteTokenizer.UNREADABLE + "\"}"));
    assertQueueFull(server.post(PATH, "{"));
  }

  @Test
  void takesARequestOfManyPromptsAsAWhole() throws Exception {
    var response = server.postAsync(PATH, "{\"prompt\":[\"a\",\"b\",\"c\"]}");
    List<Submission> submissions =
        List.of(server.backend().next(), server.backend().next(), server.backend().next());
    assertQueueFull(server.post(PATH, PROMPT));
    submissions.forEach(submission -> submission.finish(Finish.Reason.STOP));
    assertThat(response.get().statusCode()).isEqualTo(200);
    assertEmpty();
  }

  @Test
  void forgetsRequestsThatNeverReachedTheEngine() throws Exception {
    for (int i = 0; i < 3; i++) {
      assertThat(server.post(PATH, "{\"prompt\":7}").statusCode()).isEqualTo(400);
    }
    assertEmpty();
  }

  @Test
  void forgetsRequestsThatTheEngineRefused() throws Exception {
    server.backend().refuse(unavailable());
    for (int i = 0; i < 3; i++) {
      assertThat(server.post(PATH, "{\"prompt\":[\"a\",\"b\"]}").statusCode()).isEqualTo(503);
    }
    server.backend().refuse(null);
    assertEmpty();
  }

  @Test
  void forgetsRequestsThatFailed() throws Exception {
    server.backend().script(submission -> submission.fail(unavailable()));
    for (int i = 0; i < 3; i++) {
      assertThat(server.post(PATH, PROMPT).statusCode()).isEqualTo(503);
    }
    assertEmpty();
  }

  @Test
  void forgetsRequestsThatWereAbandoned() throws Exception {
    // With one place, a request gets in only when both prompts are forgotten.
    try (TestServer single = limited(1)) {
      try (RawClient client = new RawClient(single.port())) {
        client.post(PATH, "{\"prompt\":[\"a\",\"b\"]}");
        single.backend().next();
        Submission last = single.backend().next();
        assertThat(single.post(PATH, PROMPT).statusCode()).isEqualTo(429);
        client.reset();
        assertThat(last.awaitCancelled()).isTrue();
      }
      single.answerWithLetters();
      // The engine's word that they are cancelled has no other sign.
      while (single.post(PATH, PROMPT).statusCode() == 429) {
        Thread.onSpinWait();
      }
      single.backend().script(null);
      var next = single.postAsync(PATH, PROMPT);
      single.backend().next();
      assertThat(single.post(PATH, PROMPT).statusCode()).isEqualTo(429);
      assertThat(next).isNotDone();
    }
  }

  @Test
  void mayBeAbsent() throws Exception {
    try (TestServer unlimited = limited(0)) {
      List<CompletableFuture<HttpResponse<String>>> responses = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        responses.add(unlimited.postAsync(PATH, PROMPT));
        unlimited.backend().next();
      }
      assertThat(responses).noneMatch(CompletableFuture::isDone);
    }
  }

  private static EngineException unavailable() {
    return new EngineException(EngineException.Kind.UNAVAILABLE, null, "closed");
  }

  /** Two places are free, and no third. */
  private void assertEmpty() throws Exception {
    server.backend().script(null);
    var first = server.postAsync(PATH, PROMPT);
    server.backend().next();
    var second = server.postAsync(PATH, PROMPT);
    server.backend().next();
    assertQueueFull(server.post(PATH, PROMPT));
    assertThat(List.of(first, second)).noneMatch(CompletableFuture::isDone);
  }
}
