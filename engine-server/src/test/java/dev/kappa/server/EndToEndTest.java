package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.JSON;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.engine.EngineStats;
import dev.kappa.server.testing.HaystackServer;
import dev.kappa.server.testing.TestServer;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** The server in front of the real engine with the model that ships. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(900)
class EndToEndTest {

  private final HaystackServer server = new HaystackServer();
  private final HttpClient client = server.client();

  @BeforeAll
  void start() throws Exception {
    server.start();
  }

  @AfterAll
  void stop() {
    server.close();
  }

  private HttpRequest request(String path, String body) {
    return server.request(path, body);
  }

  private JsonNode post(String path, String body) throws Exception {
    return server.post(path, body);
  }

  @Test
  void answersTheQuestionOfTheReadme() throws Exception {
    String chat = Files.readString(HaystackServer.MODEL.resolve("examples/chat-4k.json"));
    JsonNode first = post("/v1/chat/completions", chat);
    assertThat(first.get("choices").get(0).get("message").get("content").asString())
        .isEqualTo("Crate 149 holds canvas bells.");
    assertThat(first.get("choices").get(0).get("finish_reason").asString()).isEqualTo("stop");
    JsonNode again = post("/v1/chat/completions", chat);
    assertThat(again.get("choices")).isEqualTo(first.get("choices"));
    int prompt = again.get("usage").get("prompt_tokens").asInt();
    assertThat(again.get("usage").get("prompt_tokens_details").get("cached_tokens").asInt())
        .isBetween(prompt * 9 / 10, prompt - 1);
  }

  @Test
  void scoresItsOwnOutputAsItGeneratedIt() throws Exception {
    JsonNode generated =
        post(
                "/v1/completions",
                """
                {"prompt":"The tide was calm and","max_tokens":24,"temperature":0,"logprobs":3,
                 "ignore_eos":true,"return_token_ids":true}
                """)
            .get("choices")
            .get(0);
    List<Integer> tokens = new ArrayList<>();
    generated.get("prompt_token_ids").forEach(token -> tokens.add(token.asInt()));
    int promptLength = tokens.size();
    generated.get("token_ids").forEach(token -> tokens.add(token.asInt()));
    assertThat(tokens).hasSize(promptLength + 24);
    JsonNode scored =
        post(
                "/v1/completions",
                "{\"prompt\":" + tokens + ",\"max_tokens\":0,\"echo\":true,\"logprobs\":3}")
            .get("choices")
            .get(0)
            .get("logprobs");
    for (int i = 0; i < 24; i++) {
      double whenGenerated = generated.get("logprobs").get("token_logprobs").get(i).asDouble();
      double whenScored = scored.get("token_logprobs").get(promptLength + i).asDouble();
      assertThat(whenScored).isCloseTo(whenGenerated, within(0.05));
      assertThat(whenScored).isNegative();
    }
    assertThat(scored.get("token_logprobs").get(0).isNull()).isTrue();
  }

  @Test
  void streamedTextEqualsWholeText() throws Exception {
    String body = "{\"prompt\":\"Captain\",\"max_tokens\":40,\"seed\":7,\"temperature\":1%s}";
    String whole =
        post("/v1/completions", body.formatted("")).get("choices").get(0).get("text").asString();
    HttpResponse<String> response =
        client.send(
            request("/v1/completions", body.formatted(",\"stream\":true")),
            BodyHandlers.ofString());
    StringBuilder streamed = new StringBuilder();
    for (String event : TestServer.events(response.body())) {
      if (!event.equals("[DONE]")) {
        streamed.append(JSON.readTree(event).get("choices").get(0).get("text").asString());
      }
    }
    assertThat(streamed.toString()).isEqualTo(whole).isNotBlank();
  }

  @Test
  void stopsAtAStopString() throws Exception {
    String request = "{\"prompt\":\"The tide was\",\"max_tokens\":40,\"temperature\":0%s}";
    String text =
        post("/v1/completions", request.formatted("")).get("choices").get(0).get("text").asString();
    String stop = text.substring(10, 15);
    JsonNode choice =
        post("/v1/completions", request.formatted(",\"stop\":" + JSON.writeValueAsString(stop)))
            .get("choices")
            .get(0);
    assertThat(choice.get("text").asString()).isEqualTo(text.substring(0, text.indexOf(stop)));
    assertThat(choice.get("stop_reason").asString()).isEqualTo(stop);
  }

  @Test
  void choicesShareTheirPromptAndDrawAsRequestsOfTheirOwn() throws Exception {
    String prompt = "Crate 12 holds rope. ".repeat(20);
    String body =
        "{\"prompt\":\"%s\",\"max_tokens\":12,\"temperature\":1.5,\"seed\":%d,\"n\":%d,"
            + "\"cache_salt\":\"%s\"}";
    long cachedBefore = server.engine().stats().cachedPromptTokens();
    JsonNode together = post("/v1/completions", body.formatted(prompt, 30, 4, "several"));
    int promptTokens = together.get("usage").get("prompt_tokens").asInt();
    int block = server.engine().info().blockTokens();
    int whole = (promptTokens - 1) / block * block;
    assertThat(server.engine().stats().cachedPromptTokens() - cachedBefore).isEqualTo(3L * whole);
    assertThat(whole).isPositive();
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      JsonNode alone = post("/v1/completions", body.formatted(prompt, 30 + i, 1, "alone" + i));
      texts.add(alone.get("choices").get(0).get("text").asString());
    }
    assertThat(texts).doesNotHaveDuplicates();
    for (int i = 0; i < 4; i++) {
      assertThat(together.get("choices").get(i).get("text").asString()).isEqualTo(texts.get(i));
    }
  }

  @Test
  void answersManyAtOnceAsAlone() throws Exception {
    List<String> bodies = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      bodies.add(
          "{\"prompt\":\"Crate %d\",\"max_tokens\":20,\"temperature\":0}".formatted(100 + i));
    }
    List<CompletableFuture<HttpResponse<String>>> together =
        bodies.stream()
            .map(
                body -> client.sendAsync(request("/v1/completions", body), BodyHandlers.ofString()))
            .toList();
    for (int i = 0; i < bodies.size(); i++) {
      JsonNode alone = post("/v1/completions", bodies.get(i));
      assertThat(JSON.readTree(together.get(i).get().body()).get("choices"))
          .isEqualTo(alone.get("choices"));
    }
  }

  @Test
  void leavesNothingRunningWhenAClientGoesAway() throws Exception {
    long before = server.engine().stats().generatedTokens();
    HttpResponse<java.io.InputStream> response =
        client.send(
            request(
                "/v1/completions",
                "{\"prompt\":\"x\",\"max_tokens\":8000,\"stream\":true,\"ignore_eos\":true}"),
            BodyHandlers.ofInputStream());
    assertThat(response.body().read()).isEqualTo('d');
    response.body().close();
    // The books are those of the last step: they may not know of the request yet.
    EngineStats stats = server.engine().stats();
    while (stats.running() > 0 || stats.generatedTokens() == before) {
      Thread.sleep(10);
      stats = server.engine().stats();
    }
    assertThat(stats.generatedTokens() - before).isLessThan(8000);
    assertThat(stats.kv().device().used()).isZero();
  }
}
