package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.events;
import static dev.kappa.server.testing.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.Finish;
import dev.kappa.server.testing.ByteTokenizer;
import dev.kappa.server.testing.Submission;
import dev.kappa.server.testing.TestServer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Log probabilities of prompts, by which a model's numerics are checked from outside. */
class EchoLogprobsTest {

  private static final String PATH = "/v1/completions";

  private final TestServer server = new TestServer();

  @AfterEach
  void close() {
    server.close();
  }

  @Test
  void scoresAPromptOfTokenIds() throws Exception {
    var response =
        server.postAsync(
            PATH, "{\"prompt\":[65,66,67],\"echo\":true,\"max_tokens\":0,\"logprobs\":2}");
    Submission submission = server.backend().next();
    submission.promptLogprobs().finish(Finish.Reason.LENGTH);

    assertThat(submission.request().sampling().maxTokens()).isZero();
    assertThat(submission.request().sampling().promptLogprobs()).isEqualTo(2);
    JsonNode choice = json(response.get()).get("choices").get(0);
    assertThat(choice.get("text").asString()).isEqualTo("ABC");
    assertThat(choice.get("logprobs").toString())
        .isEqualTo(
            "{\"tokens\":[\"A\",\"B\",\"C\"],\"token_logprobs\":[null,-0.5,-0.5],"
                + "\"top_logprobs\":[null,{\"B\":-0.5,\"C\":-1.0},{\"C\":-0.5,\"D\":-1.0}],"
                + "\"text_offset\":[0,1,2]}");
  }

  @Test
  void scoresASingleToken() throws Exception {
    var response =
        server.postAsync(PATH, "{\"prompt\":[65],\"echo\":true,\"max_tokens\":0,\"logprobs\":0}");
    server.backend().next().finish(Finish.Reason.LENGTH);
    JsonNode logprobs = json(response.get()).get("choices").get(0).get("logprobs");
    assertThat(logprobs.get("token_logprobs").toString()).isEqualTo("[null]");
  }

  @Test
  void offsetsPointIntoTheEchoedTextBehindAHiddenPrefix() throws Exception {
    var response =
        server.postAsync(
            PATH, "{\"prompt\":\"héé\",\"echo\":true,\"max_tokens\":9,\"logprobs\":0}");
    Submission submission = server.backend().next();
    assertThat(submission.request().prompt()).startsWith(ByteTokenizer.BOS).hasSize(6);
    submission.promptLogprobs().text("ü").text("x").finish(Finish.Reason.LENGTH);

    JsonNode choice = json(response.get()).get("choices").get(0);
    assertThat(choice.get("text").asString()).isEqualTo("hééüx");
    // BOS, h, two bytes of each é, two bytes of ü, x; counted in characters.
    assertThat(choice.get("logprobs").get("text_offset").toString())
        .isEqualTo("[0,0,1,1,2,2,3,3,4]");
    assertThat(choice.get("logprobs").get("tokens").get(0).asString()).isEqualTo("<s>");
  }

  @Test
  void offsetsWithoutEchoBeginAtZero() throws Exception {
    server.answerWithLetters();
    var response = server.post(PATH, "{\"prompt\":\"long\",\"max_tokens\":3,\"logprobs\":1}");
    JsonNode logprobs = json(response).get("choices").get(0).get("logprobs");
    assertThat(logprobs.get("text_offset").toString()).isEqualTo("[0,1,2]");
    assertThat(logprobs.get("top_logprobs").get(0).toString()).isEqualTo("{\"a\":-0.5}");
  }

  @Test
  void namesTokensByIdWhereAsked() throws Exception {
    server.answerWithLetters();
    var response =
        server.post(
            PATH,
            "{\"prompt\":\"x\",\"max_tokens\":1,\"logprobs\":2,\"return_tokens_as_token_ids\":true}");
    JsonNode logprobs = json(response).get("choices").get(0).get("logprobs");
    assertThat(logprobs.get("tokens").toString()).isEqualTo("[\"token_id:97\"]");
    assertThat(logprobs.get("top_logprobs").get(0).propertyNames())
        .containsExactly("token_id:97", "token_id:98");
  }

  @Test
  void streamsTheEchoFirst() throws Exception {
    server.answerWithLetters();
    var response =
        server.post(
            PATH,
            "{\"prompt\":[65,66],\"echo\":true,\"max_tokens\":2,\"logprobs\":0,\"stream\":true}");
    List<JsonNode> choices =
        events(response.body()).stream()
            .filter(event -> !event.equals("[DONE]"))
            .map(event -> TestServer.JSON.readTree(event).get("choices").get(0))
            .toList();
    assertThat(choices)
        .extracting(c -> c.get("text").asString())
        .containsExactly("AB", "a", "b", "");
    assertThat(choices)
        .extracting(c -> c.get("logprobs").get("text_offset").toString())
        .containsExactly("[0,1]", "[2]", "[3]", "[]");
  }
}
