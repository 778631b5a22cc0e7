package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.events;
import static dev.kappa.server.testing.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.Finish;
import dev.kappa.server.testing.ScriptedBackend;
import dev.kappa.server.testing.Submission;
import dev.kappa.server.testing.TestServer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class ChatTest {

  private static final String PATH = "/v1/chat/completions";
  private static final String HI = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

  private final TestServer server = new TestServer();

  @AfterEach
  void close() {
    server.close();
  }

  private String promptOf(Submission submission) {
    return server.backend().tokenizer().decode(submission.request().prompt(), false);
  }

  @Test
  void answersWithAMessage() throws Exception {
    var response = server.postAsync(PATH, "{" + HI + ",\"model\":\"alias/two\"}");
    Submission submission = server.backend().next();
    submission.text("Hello").text("!").finish(Finish.Reason.STOP);

    JsonNode body = json(response.get());
    assertThat(response.get().statusCode()).isEqualTo(200);
    assertThat(body.get("id").asString()).matches("chatcmpl-[0-9a-f]{24}");
    assertThat(body.get("object").asString()).isEqualTo("chat.completion");
    assertThat(body.get("model").asString()).isEqualTo("alias/two");
    assertThat(body.get("choices").toString())
        .isEqualTo(
            "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hello!\","
                + "\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\","
                + "\"stop_reason\":null}]");
    assertThat(promptOf(submission)).isEqualTo("<user>Hi<assistant>");
    assertThat(submission.request().sampling().maxTokens())
        .isEqualTo(ScriptedBackend.CONTEXT - "<user>Hi<assistant>".length());
  }

  @Test
  void rendersPartsToolCallsAndOtherRoles() throws Exception {
    var response =
        server.postAsync(
            PATH,
            """
            {"messages":[
              {"role":"system","content":"Be kind."},
              {"role":"developer","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
              {"role":"user","content":"q","name":"Ann"},
              {"role":"assistant","content":null,"tool_calls":[
                {"id":"1","type":"function","function":{"name":"f","arguments":"{\\"x\\":1}"}}]},
              {"role":"user","content":""}],
             "tools":[],"tool_choice":"auto","response_format":{"type":"text"},"n":1,
             "presence_penalty":0,"frequency_penalty":0.0,"logit_bias":{},"user":"me",
             "metadata":{"a":"b"},"store":true,"parallel_tool_calls":true,"seed":null}
            """);
    Submission submission = server.backend().next();
    submission.finish(Finish.Reason.STOP);
    assertThat(response.get().statusCode()).as(response.get().body()).isEqualTo(200);
    assertThat(promptOf(submission))
        .isEqualTo("<system>Be kind.<developer>a\nb<user>q<assistant><user><assistant>");
  }

  @Test
  void prefersMaxCompletionTokens() throws Exception {
    var response =
        server.postAsync(PATH, "{" + HI + ",\"max_tokens\":7,\"max_completion_tokens\":3}");
    Submission submission = server.backend().next();
    submission.finish(Finish.Reason.LENGTH);
    assertThat(response.get().statusCode()).isEqualTo(200);
    assertThat(submission.request().sampling().maxTokens()).isEqualTo(3);
  }

  @Test
  void streamsRoleThenTextThenReasonThenUsage() throws Exception {
    var response =
        server.postAsync(
            PATH, "{" + HI + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
    server.backend().next().text("a").text("b").cached(3, 1).finish(Finish.Reason.LENGTH);
    List<String> events = events(response.get().body());
    List<String> expected =
        List.of(
            "{\"role\":\"assistant\",\"content\":\"\"}",
            "{\"content\":\"a\"}",
            "{\"content\":\"b\"}",
            "{}");
    for (int i = 0; i < expected.size(); i++) {
      JsonNode chunk = TestServer.JSON.readTree(events.get(i));
      assertThat(chunk.get("object").asString()).isEqualTo("chat.completion.chunk");
      assertThat(chunk.get("usage").isNull()).isTrue();
      JsonNode choice = chunk.get("choices").get(0);
      assertThat(choice.get("delta").toString()).isEqualTo(expected.get(i));
      assertThat(choice.get("finish_reason").toString()).isEqualTo(i == 3 ? "\"length\"" : "null");
    }
    JsonNode last = TestServer.JSON.readTree(events.get(4));
    assertThat(last.get("choices").isEmpty()).isTrue();
    assertThat(last.get("usage").get("prompt_tokens_details").toString())
        .isEqualTo("{\"cached_tokens\":3,\"cached_tokens_by_tier\":{\"device\":2,\"host\":1}}");
    assertThat(events.get(5)).isEqualTo("[DONE]");
    assertThat(events).hasSize(6);
  }

  @Test
  void separatesCachesBySalt() throws Exception {
    server.answerWithLetters();
    server.post(PATH, "{" + HI + ",\"max_tokens\":1,\"cache_salt\":\"tenant 1\"}");
    assertThat(server.backend().all().getFirst().request().cacheSalt()).isEqualTo("tenant 1");
  }

  @Test
  void givesLogprobsWithBytes() throws Exception {
    var response = server.postAsync(PATH, "{" + HI + ",\"logprobs\":true,\"top_logprobs\":2}");
    server.backend().next().text("a").finish(Finish.Reason.STOP);
    JsonNode logprobs = json(response.get()).get("choices").get(0).get("logprobs");
    assertThat(logprobs.get("content").toString())
        .isEqualTo(
            "[{\"token\":\"a\",\"logprob\":-0.5,\"bytes\":[97],\"top_logprobs\":["
                + "{\"token\":\"a\",\"logprob\":-0.5,\"bytes\":[97]},"
                + "{\"token\":\"b\",\"logprob\":-1.0,\"bytes\":[98]}]}]");
  }

  @Test
  void givesTheBytesOfTokensThatAreNoCharacters() throws Exception {
    var response = server.postAsync(PATH, "{" + HI + ",\"logprobs\":true}");
    server.backend().next().text("é").finish(Finish.Reason.STOP);
    JsonNode content = json(response.get()).get("choices").get(0).get("logprobs").get("content");
    assertThat(content.valueStream().map(entry -> entry.get("bytes").toString()))
        .containsExactly("[195]", "[169]");
  }

  @Test
  void streamsLogprobsOnceAndForEveryToken() throws Exception {
    var response = server.postAsync(PATH, "{" + HI + ",\"logprobs\":true,\"stream\":true}");
    server.backend().next().text("a").text("").text("bc").finish(Finish.Reason.STOP);
    StringBuilder tokens = new StringBuilder();
    for (String event : events(response.get().body())) {
      if (event.equals("[DONE]")) {
        break;
      }
      JsonNode logprobs = TestServer.JSON.readTree(event).get("choices").get(0).get("logprobs");
      if (!logprobs.isNull()) {
        logprobs.get("content").forEach(entry -> tokens.append(entry.get("token").asString()));
      }
    }
    assertThat(tokens).hasToString("abc");
  }

  @Test
  void tellsWhyTheTemplateRejectsAConversation() throws Exception {
    var response = server.post(PATH, "{\"messages\":[{\"role\":\"tool\",\"content\":\"42\"}]}");
    assertThat(response.statusCode()).isEqualTo(400);
    JsonNode error = json(response).get("error");
    assertThat(error.get("message").asString()).isEqualTo("the template knows no tools");
    assertThat(error.get("param").asString()).isEqualTo("messages");
  }
}
