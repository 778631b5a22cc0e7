package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.events;
import static dev.kappa.server.testing.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.EngineException;
import dev.kappa.engine.Finish;
import dev.kappa.server.testing.RawClient;
import dev.kappa.server.testing.ScriptedBackend;
import dev.kappa.server.testing.Submission;
import dev.kappa.server.testing.TestServer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Several choices from one prompt: {@code n} and {@code best_of}. */
class ChoicesTest {

  private static final String COMPLETIONS = "/v1/completions";
  private static final String CHAT = "/v1/chat/completions";

  private final TestServer server = new TestServer();
  private final ScriptedBackend backend = server.backend();

  @AfterEach
  void close() {
    server.close();
  }

  private static List<String> texts(JsonNode answer) {
    List<String> texts = new ArrayList<>();
    for (JsonNode choice : answer.get("choices").values()) {
      assertThat(choice.get("index").asInt()).isEqualTo(texts.size());
      texts.add(choice.has("text") ? choice.get("text").asString() : content(choice));
    }
    return texts;
  }

  private static String content(JsonNode choice) {
    return choice.get("message").get("content").asString();
  }

  @Test
  void theOthersFollowTheFirstChoiceOfTheirPrompt() throws Exception {
    var response = server.postAsync(COMPLETIONS, "{\"prompt\":[\"ab\",\"c\"],\"n\":3,\"seed\":40}");
    Submission first = backend.next();
    Submission second = backend.next();
    assertThat(backend.all()).hasSize(2);
    first.cached(2, 1).text("0");
    Submission third = backend.next();
    Submission fourth = backend.next();
    assertThat(backend.all())
        .hasSize(4)
        .extracting(s -> s.request().prompt().length)
        .containsExactly(3, 2, 3, 3);
    second.finish(Finish.Reason.STOP);
    Submission fifth = backend.next();
    Submission sixth = backend.next();
    assertThat(backend.all())
        .extracting(s -> s.request().sampling().seed())
        .containsExactly(40L, 40L, 41L, 42L, 41L, 42L);
    sixth.text("5").finish(Finish.Reason.STOP);
    fourth.cached(3, 0).text("2").finish(Finish.Reason.LENGTH);
    third.cached(3, 0).text("1").finish(Finish.Reason.STOP);
    fifth.text("4").finish(Finish.Reason.STOP);
    first.finish(Finish.Reason.STOP);
    JsonNode answer = json(response.get());
    assertThat(texts(answer)).containsExactly("0", "1", "2", "", "4", "5");
    assertThat(answer.get("usage").toString())
        .as("each prompt once, each choice's tokens")
        .isEqualTo(
            "{\"prompt_tokens\":5,\"completion_tokens\":5,\"total_tokens\":10,"
                + "\"prompt_tokens_details\":{\"cached_tokens\":2,"
                + "\"cached_tokens_by_tier\":{\"device\":1,\"host\":1}}}");
  }

  @Test
  void chatsHaveSeveralChoices() throws Exception {
    server.answerWithLetters();
    JsonNode answer =
        json(
            server.post(
                CHAT,
                "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"n\":2,\"max_tokens\":2}"));
    assertThat(texts(answer)).containsExactly("ab", "ab");
    assertThat(answer.get("usage").get("completion_tokens").asInt()).isEqualTo(4);
  }

  @Test
  void streamsChoicesByTheirIndex() throws Exception {
    server.answerWithLetters();
    List<String> events =
        events(
            server
                .post(
                    COMPLETIONS,
                    "{\"prompt\":\"x\",\"n\":3,\"max_tokens\":2,\"stream\":true,"
                        + "\"stream_options\":{\"include_usage\":true}}")
                .body());
    String[] texts = {"", "", ""};
    for (String event : events.subList(0, events.size() - 2)) {
      JsonNode choice = TestServer.JSON.readTree(event).get("choices").get(0);
      texts[choice.get("index").asInt()] += choice.get("text").asString();
    }
    assertThat(texts).containsExactly("ab", "ab", "ab");
    JsonNode usage = TestServer.JSON.readTree(events.get(events.size() - 2)).get("usage");
    assertThat(usage.get("prompt_tokens").asInt()).isEqualTo(2);
    assertThat(usage.get("completion_tokens").asInt()).isEqualTo(6);
  }

  @Test
  void theBestAreTheLikeliestPerToken() throws Exception {
    var response =
        server.postAsync(COMPLETIONS, "{\"prompt\":\"x\",\"n\":2,\"best_of\":4,\"max_tokens\":9}");
    double[][] logprobs = {{-1, -1}, {-0.2}, {-0.9, -0.9, -0.9}, {-3}};
    String[] texts = {"aa", "b", "ccc", "d"};
    for (int i = 0; i < 4; i++) {
      Submission submission = backend.next();
      assertThat(submission.request().sampling().logprobs()).isZero();
      submission.text(texts[i], logprobs[i]).finish(Finish.Reason.STOP);
    }
    JsonNode answer = json(response.get());
    assertThat(texts(answer)).containsExactly("b", "ccc");
    assertThat(answer.get("choices").get(0).get("logprobs").isNull()).isTrue();
    assertThat(answer.get("usage").get("completion_tokens").asInt())
        .as("what was generated, shown or not")
        .isEqualTo(7);
  }

  @Test
  void echoesThePromptsLogprobsInEveryChoice() throws Exception {
    server.answerWithLetters();
    JsonNode answer =
        json(
            server.post(
                COMPLETIONS,
                "{\"prompt\":\"xy\",\"n\":2,\"max_tokens\":1,\"echo\":true,\"logprobs\":1,"
                    + "\"prompt_logprobs\":2,\"add_special_tokens\":false}"));
    assertThat(backend.all())
        .extracting(s -> s.request().sampling().promptLogprobs())
        .containsExactly(2, -1);
    for (JsonNode choice : answer.get("choices").values()) {
      assertThat(choice.get("text").asString()).isEqualTo("xya");
      assertThat(choice.get("logprobs").get("top_logprobs").toString())
          .isEqualTo("[null,{\"y\":-0.5},{\"a\":-0.5}]");
      assertThat(choice.get("prompt_logprobs").toString())
          .isEqualTo(
              "[null,{\"121\":{\"logprob\":-0.5,\"rank\":1,\"decoded_token\":\"y\"},"
                  + "\"122\":{\"logprob\":-1.0,\"rank\":2,\"decoded_token\":\"z\"}}]");
    }
  }

  @Test
  void chatsTellTheirPromptsLogprobs() throws Exception {
    server.answerWithLetters();
    JsonNode answer =
        json(
            server.post(
                CHAT,
                "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":1,"
                    + "\"prompt_logprobs\":0}"));
    JsonNode logprobs = answer.get("prompt_logprobs");
    assertThat(logprobs.size()).isEqualTo("<user>x<assistant>".length());
    assertThat(logprobs.get(1).toString())
        .isEqualTo("{\"117\":{\"logprob\":-0.5,\"rank\":1,\"decoded_token\":\"u\"}}");
  }

  @Test
  void keepsTheEndOfAPrompt() throws Exception {
    server.answerWithLetters();
    JsonNode answer =
        json(
            server.post(
                COMPLETIONS,
                "{\"prompt\":\"abcdef\",\"truncate_prompt_tokens\":2,\"max_tokens\":1,"
                    + "\"echo\":true}"));
    assertThat(texts(answer)).containsExactly("efa");
    server.post(
        CHAT,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":1,"
            + "\"truncate_prompt_tokens\":3}");
    assertThat(backend.all().getLast().request().prompt()).containsExactly('n', 't', '>');
  }

  @Test
  void aLeavingClientCancelsWhatRunsAndStartsNothingMore() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.post(COMPLETIONS, "{\"prompt\":[\"a\",\"b\"],\"n\":4}");
      Submission first = backend.next();
      Submission second = backend.next();
      second.text("x");
      List<Submission> followers = List.of(backend.next(), backend.next(), backend.next());
      client.reset();
      assertThat(first.awaitCancelled()).isTrue();
      assertThat(second.awaitCancelled()).isTrue();
      for (Submission follower : followers) {
        assertThat(follower.awaitCancelled()).isTrue();
      }
      assertThat(backend.all()).hasSize(5);
    }
  }

  @Test
  void aFollowerThatIsRefusedFailsTheRequest() throws Exception {
    var response = server.postAsync(COMPLETIONS, "{\"prompt\":\"a\",\"n\":2}");
    Submission first = backend.next();
    backend.refuse(
        new EngineException(EngineException.Kind.UNAVAILABLE, null, "the engine is closed"));
    first.text("x");
    assertThat(response.get().statusCode()).isEqualTo(503);
    assertThat(first.awaitCancelled()).isTrue();
  }
}
