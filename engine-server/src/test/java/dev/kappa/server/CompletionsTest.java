package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.events;
import static dev.kappa.server.testing.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.Finish;
import dev.kappa.sample.Adjustments;
import dev.kappa.sample.SamplingParams;
import dev.kappa.server.testing.ByteTokenizer;
import dev.kappa.server.testing.ScriptedBackend;
import dev.kappa.server.testing.Submission;
import dev.kappa.server.testing.TestServer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class CompletionsTest {

  private static final String PATH = "/v1/completions";

  private final TestServer server = new TestServer();

  @AfterEach
  void close() {
    server.close();
  }

  @Test
  void answersWithTextUsageAndReason() throws Exception {
    var response =
        server.postAsync(PATH, "{\"model\":\"tiny\",\"prompt\":\"hello\",\"max_tokens\":4}");
    Submission submission = server.backend().next();
    submission.text("wo").text("rl").cached(2, 0).finish(Finish.Reason.LENGTH);

    JsonNode body = json(response.get());
    assertThat(response.get().statusCode()).isEqualTo(200);
    assertThat(response.get().headers().firstValue("content-type")).contains("application/json");
    assertThat(body.get("id").asString()).matches("cmpl-[0-9a-f]{24}");
    assertThat(body.get("object").asString()).isEqualTo("text_completion");
    assertThat(body.get("model").asString()).isEqualTo("tiny");
    assertThat(body.get("created").asLong()).isGreaterThan(TestServer.CREATED);
    assertThat(body.get("choices").toString())
        .isEqualTo(
            "[{\"index\":0,\"text\":\"worl\",\"logprobs\":null,\"finish_reason\":\"length\","
                + "\"stop_reason\":null}]");
    assertThat(body.get("usage").toString())
        .isEqualTo(
            "{\"prompt_tokens\":6,\"completion_tokens\":4,\"total_tokens\":10,"
                + "\"prompt_tokens_details\":{\"cached_tokens\":2,"
                + "\"cached_tokens_by_tier\":{\"device\":2,\"host\":0}}}");
    assertThat(submission.request().prompt()[0]).isEqualTo(ByteTokenizer.BOS);
  }

  @Test
  void defaultsAreOpenAis() throws Exception {
    var response = server.postAsync(PATH, "{\"prompt\":\"x\",\"max_tokens\":null}");
    Submission submission = server.backend().next();
    submission.finish(Finish.Reason.STOP);
    assertThat(response.get().statusCode()).isEqualTo(200);
    assertThat(submission.request().sampling()).isEqualTo(SamplingParams.builder().build());
  }

  @Test
  void passesEverySamplingFieldOn() throws Exception {
    var response =
        server.postAsync(
            PATH,
            """
            {"prompt":[1,2],"max_tokens":7,"temperature":0.5,"top_k":-1,"top_p":0.9,"min_p":0.1,
             "seed":-9223372036854775808,"stop":["a","b"],"stop_token_ids":[5],"ignore_eos":true,
             "logprobs":2,"echo":true,"repetition_penalty":1.5,"presence_penalty":-2,
             "frequency_penalty":0.25,"logit_bias":{"5":-100,"7":1.5},"allowed_token_ids":[5,7],
             "min_tokens":3,"include_stop_str_in_output":true,"skip_special_tokens":false}
            """);
    Submission submission = server.backend().next();
    submission.promptLogprobs().finish(Finish.Reason.STOP);
    assertThat(response.get().statusCode()).isEqualTo(200);
    assertThat(submission.request().prompt()).containsExactly(1, 2);
    assertThat(submission.request().sampling())
        .isEqualTo(
            SamplingParams.builder()
                .temperature(0.5)
                .topP(0.9)
                .minP(0.1)
                .seed(Long.MIN_VALUE)
                .maxTokens(7)
                .stop(List.of("a", "b"))
                .stopTokens(List.of(5))
                .ignoreEos(true)
                .logprobs(2)
                .promptLogprobs(2)
                .includeStop(true)
                .skipSpecialTokens(false)
                .adjustments(
                    Adjustments.penalties(1.5, -2, 0.25)
                        .withLogitBias(Map.of(5, -100.0, 7, 1.5))
                        .withAllowedTokens(List.of(5, 7))
                        .withMinTokens(3))
                .build());
  }

  @Test
  void separatesCachesBySalt() throws Exception {
    server.answerWithLetters();
    server.post(PATH, "{\"prompt\":[\"a\",\"b\"],\"cache_salt\":\"tenant 1\"}");
    server.post(PATH, "{\"prompt\":\"a\",\"cache_salt\":null}");
    assertThat(server.backend().all())
        .extracting(submission -> submission.request().cacheSalt())
        .containsExactly("tenant 1", "tenant 1", "");
  }

  @Test
  void tellsTheTierThatCachedTokensCameFrom() throws Exception {
    var response = server.postAsync(PATH, "{\"prompt\":[\"one\",\"two\"]}");
    server.backend().next().cached(3, 2).finish(Finish.Reason.STOP);
    server.backend().next().cached(4, 0).finish(Finish.Reason.STOP);
    JsonNode details = json(response.get()).get("usage").get("prompt_tokens_details");
    assertThat(details.toString())
        .isEqualTo("{\"cached_tokens\":7,\"cached_tokens_by_tier\":{\"device\":5,\"host\":2}}");
  }

  @Test
  void namesTheStopString() throws Exception {
    var response = server.postAsync(PATH, "{\"prompt\":\"x\",\"stop\":\"END\"}");
    server.backend().next().text("hi ").finish(Finish.Reason.STOP, "END");
    JsonNode choice = json(response.get()).get("choices").get(0);
    assertThat(choice.get("finish_reason").asString()).isEqualTo("stop");
    assertThat(choice.get("stop_reason").asString()).isEqualTo("END");
  }

  @Test
  void shortensTheOutputToTheContext() throws Exception {
    int[] prompt = new int[ScriptedBackend.CONTEXT - 3];
    var response =
        server.postAsync(
            PATH, "{\"prompt\":" + java.util.Arrays.toString(prompt) + ",\"max_tokens\":100}");
    Submission submission = server.backend().next();
    submission.finish(Finish.Reason.LENGTH);
    assertThat(response.get().statusCode()).isEqualTo(200);
    assertThat(submission.request().sampling().maxTokens()).isEqualTo(3);
  }

  @Test
  void answersSeveralPromptsInOrderOfIndex() throws Exception {
    var response =
        server.postAsync(PATH, "{\"prompt\":[\"one\",[65,66],\"three\"],\"max_tokens\":2}");
    Submission one = server.backend().next();
    Submission two = server.backend().next();
    Submission three = server.backend().next();
    three.text("c").finish(Finish.Reason.STOP);
    one.text("a").finish(Finish.Reason.STOP);
    two.text("bb").finish(Finish.Reason.LENGTH);

    JsonNode body = json(response.get());
    assertThat(body.get("choices").valueStream().map(c -> c.get("text").asString()))
        .containsExactly("a", "bb", "c");
    assertThat(body.get("choices").valueStream().map(c -> c.get("index").asInt()))
        .containsExactly(0, 1, 2);
    assertThat(body.get("usage").get("prompt_tokens").asInt()).isEqualTo(4 + 2 + 6);
    assertThat(body.get("usage").get("completion_tokens").asInt()).isEqualTo(4);
  }

  @Test
  void streamsChunksThenUsageThenDone() throws Exception {
    var response =
        server.postAsync(
            PATH, "{\"prompt\":\"x\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
    server.backend().next().text("a").heldBack(0xc3).text("é").finish(Finish.Reason.STOP);

    assertThat(response.get().headers().firstValue("content-type").orElseThrow())
        .startsWith("text/event-stream");
    List<String> events = events(response.get().body());
    assertThat(events).hasSize(5).last().isEqualTo("[DONE]");
    List<JsonNode> chunks =
        events.subList(0, 4).stream().map(e -> TestServer.JSON.readTree(e)).toList();
    assertThat(chunks).extracting(c -> c.get("object").asString()).containsOnly("text_completion");
    assertThat(chunks)
        .extracting(c -> c.get("id").asString())
        .containsOnly(chunks.getFirst().get("id").asString());
    assertThat(chunks.subList(0, 3))
        .extracting(c -> c.get("choices").get(0).get("text").asString())
        .containsExactly("a", "é", "");
    assertThat(chunks.subList(0, 3))
        .extracting(c -> c.get("choices").get(0).get("finish_reason").toString())
        .containsExactly("null", "null", "\"stop\"");
    assertThat(chunks.subList(0, 3)).allMatch(c -> c.get("usage").isNull());
    assertThat(chunks.get(3).get("choices").isEmpty()).isTrue();
    assertThat(chunks.get(3).get("usage").get("completion_tokens").asInt()).isEqualTo(4);
  }

  @Test
  void streamsWithoutUsageUnlessAsked() throws Exception {
    server.answerWithLetters();
    var response = server.post(PATH, "{\"prompt\":\"x\",\"stream\":true,\"max_tokens\":2}");
    assertThat(events(response.body())).hasSize(4);
    assertThat(response.body()).doesNotContain("usage");
  }

  @Test
  void continuousUsageCountsUp() throws Exception {
    server.answerWithLetters();
    var response =
        server.post(
            PATH,
            """
            {"prompt":"x","stream":true,"max_tokens":2,
             "stream_options":{"include_usage":true,"continuous_usage_stats":true}}
            """);
    List<String> events = events(response.body());
    assertThat(events.subList(0, 4))
        .extracting(e -> TestServer.JSON.readTree(e).get("usage").get("completion_tokens").asInt())
        .containsExactly(1, 2, 2, 2);
  }

  @Test
  void streamsSeveralPromptsWithTheirIndex() throws Exception {
    var response = server.postAsync(PATH, "{\"prompt\":[\"a\",\"b\"],\"stream\":true}");
    Submission first = server.backend().next();
    Submission second = server.backend().next();
    second.text("2").finish(Finish.Reason.STOP);
    first.text("1").finish(Finish.Reason.STOP);
    List<String> events = events(response.get().body());
    assertThat(events.subList(0, 4))
        .extracting(e -> TestServer.JSON.readTree(e).get("choices").get(0).get("index").asInt())
        .containsExactly(1, 1, 0, 0);
    assertThat(events.get(4)).isEqualTo("[DONE]");
  }

  @Test
  void returnsTokenIdsWhereAsked() throws Exception {
    server.answerWithLetters();
    var response =
        server.post(PATH, "{\"prompt\":[1,2],\"max_tokens\":2,\"return_token_ids\":true}");
    JsonNode choice = json(response).get("choices").get(0);
    assertThat(choice.get("prompt_token_ids").toString()).isEqualTo("[1,2]");
    assertThat(choice.get("token_ids").toString()).isEqualTo("[97,98]");
  }

  @Test
  void usesTheModelsSamplingDefaults() throws Exception {
    try (TestServer other =
        new TestServer(
            ServerOptions.local(),
            new dev.kappa.server.backend.SamplingDefaults(0.6, 20, 0.95, 0.02, 1.1, 5))) {
      var response = other.postAsync(PATH, "{\"prompt\":\"x\",\"top_p\":0.5}");
      Submission submission = other.backend().next();
      submission.finish(Finish.Reason.STOP);
      assertThat(response.get().statusCode()).isEqualTo(200);
      SamplingParams sampling = submission.request().sampling();
      assertThat(sampling.temperature()).isEqualTo(0.6);
      assertThat(sampling.topK()).isEqualTo(20);
      assertThat(sampling.topP()).isEqualTo(0.5);
      assertThat(sampling.minP()).isEqualTo(0.02);
      assertThat(sampling.adjustments().repetitionPenalty()).isEqualTo(1.1);
    }
  }
}
