package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.JSON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.server.testing.HaystackServer;
import dev.kappa.server.testing.TestServer;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** {@code response_format} with the real engine and the model that ships, which knows no JSON. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(900)
class StructuredOutputTest {

  private static final String PATH = "/v1/chat/completions";

  private static final String SCHEMA =
      """
      {"type":"json_schema","json_schema":{"name":"crate","strict":true,"schema":{
        "type":"object","properties":{
          "number":{"type":"integer"},
          "what":{"type":"string","maxLength":20},
          "bays":{"type":"array","items":{"enum":["north","south",7]},"minItems":1,"maxItems":3},
          "note":{"anyOf":[{"type":"null"},{"type":"string","maxLength":5}]}},
        "required":["number","what","bays","note"],"additionalProperties":false}}}
      """;

  private final HaystackServer server = new HaystackServer();

  @BeforeAll
  void start() throws Exception {
    server.start();
  }

  @AfterAll
  void stop() {
    server.close();
  }

  private static String body(String format, String more) {
    return """
    {"messages":[{"role":"user","content":"What is in crate 12? Answer in JSON."}],
     "response_format":%s,%s}
    """
        .formatted(format, more);
  }

  private static void assertIsCrate(String text) {
    JsonNode crate = JSON.readTree(text);
    assertThat(crate.propertyNames()).containsExactly("number", "what", "bays", "note");
    assertThat(crate.get("number").isIntegralNumber()).isTrue();
    String what = crate.get("what").asString();
    assertThat(what.codePointCount(0, what.length())).isLessThanOrEqualTo(20);
    assertThat(crate.get("bays").size()).isBetween(1, 3);
    assertThat(crate.get("bays").values())
        .allMatch(bay -> List.of("\"north\"", "\"south\"", "7").contains(bay.toString()));
  }

  private static String content(JsonNode choice) {
    return choice.get("message").get("content").asString();
  }

  @Test
  void everyChoiceSatisfiesTheSchema() throws Exception {
    JsonNode answer =
        server.post(
            PATH, body(SCHEMA, "\"max_tokens\":400,\"temperature\":1.5,\"seed\":1,\"n\":8"));
    for (JsonNode choice : answer.get("choices").values()) {
      assertThat(choice.get("finish_reason").asString()).isEqualTo("stop");
      assertIsCrate(content(choice));
    }
    assertThat(answer.get("choices").values().stream().map(c -> content(c)).distinct().count())
        .isGreaterThan(1);
  }

  @Test
  void greedyAndStreamedAreTheSameText() throws Exception {
    String more = "\"max_tokens\":400,\"temperature\":0,\"logprobs\":true,\"top_logprobs\":2";
    JsonNode choice = server.post(PATH, body(SCHEMA, more)).get("choices").get(0);
    assertIsCrate(content(choice));
    StringBuilder logged = new StringBuilder();
    for (JsonNode token : choice.get("logprobs").get("content").values()) {
      assertThat(token.get("logprob").asDouble()).isLessThanOrEqualTo(0);
      logged.append(token.get("token").asString());
    }
    assertThat(logged.toString()).isEqualTo(content(choice));
    StringBuilder streamed = new StringBuilder();
    for (String event :
        TestServer.events(server.text(PATH, body(SCHEMA, more + ",\"stream\":true")))) {
      if (!event.equals("[DONE]")) {
        JsonNode delta = JSON.readTree(event).get("choices").get(0).get("delta");
        streamed.append(delta.has("content") ? delta.get("content").asString() : "");
      }
    }
    assertThat(streamed.toString()).isEqualTo(content(choice));
  }

  @Test
  void anyObjectIsJson() throws Exception {
    // The model goes on for ever in strings; a bias helps it out of them.
    int quote = server.engine().tokenizer().tokenId("\"").orElseThrow();
    int brace = server.engine().tokenizer().tokenId("}").orElseThrow();
    for (int seed = 0; seed < 5; seed++) {
      JsonNode choice =
          server
              .post(
                  PATH,
                  body(
                      "{\"type\":\"json_object\"}",
                      "\"max_tokens\":900,\"temperature\":1,\"seed\":%d,\"logit_bias\":{\"%d\":9,\"%d\":9}"
                          .formatted(seed, quote, brace)))
              .get("choices")
              .get(0);
      assertThat(choice.get("finish_reason").asString()).isEqualTo("stop");
      assertThat(JSON.readTree(content(choice)).isObject()).isTrue();
    }
  }

  @Test
  void aLimitCutsTheOutputAsAnyOther() throws Exception {
    JsonNode choice =
        server.post(PATH, body(SCHEMA, "\"max_tokens\":4,\"temperature\":0")).get("choices").get(0);
    assertThat(choice.get("finish_reason").asString()).isEqualTo("length");
    assertThat(content(choice).strip()).startsWith("{").doesNotContain("}");
  }

  @Test
  void aStopStringEndsItEarly() throws Exception {
    JsonNode choice =
        server
            .post(
                PATH,
                body(SCHEMA, "\"max_tokens\":400,\"temperature\":0,\"stop\":\"\\\"what\\\"\""))
            .get("choices")
            .get(0);
    assertThat(choice.get("finish_reason").asString()).isEqualTo("stop");
    assertThat(choice.get("stop_reason").asString()).isEqualTo("\"what\"");
    assertThat(content(choice)).contains("number").doesNotContain("what");
  }

  @Test
  void completionsHaveItToo() throws Exception {
    JsonNode choice =
        server
            .post(
                "/v1/completions",
                "{\"prompt\":\"The captain\",\"max_tokens\":400,\"ignore_eos\":true,\"min_tokens\":300,"
                    + "\"response_format\":"
                    + SCHEMA
                    + "}")
            .get("choices")
            .get(0);
    assertThat(choice.get("finish_reason").asString()).isEqualTo("stop");
    assertIsCrate(choice.get("text").asString());
  }
}
