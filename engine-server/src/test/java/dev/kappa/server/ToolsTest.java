package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.JSON;
import static dev.kappa.server.testing.TestServer.events;
import static dev.kappa.server.testing.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.Finish;
import dev.kappa.server.backend.SamplingDefaults;
import dev.kappa.server.testing.Submission;
import dev.kappa.server.testing.TestServer;
import dev.kappa.server.testing.ToolTemplates;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Tools: their way into the prompt, and calls on their way out. */
class ToolsTest {

  private static final String PATH = "/v1/chat/completions";

  private static final String TOOLS =
      """
      "tools":[{"type":"function","function":{"name":"weather","description":"of a place",
        "parameters":{"type":"object","properties":{"place":{"type":"string","maxLength":9}},
          "required":["place"],"additionalProperties":false}}},
       {"type":"function","function":{"name":"now"}}]
      """;

  private final List<TestServer> servers = new ArrayList<>();

  @AfterEach
  void close() {
    servers.forEach(TestServer::close);
  }

  private TestServer server(String template) {
    TestServer server =
        new TestServer(
            ServerOptions.local(), SamplingDefaults.NEUTRAL, ToolTemplates.renderer(template));
    servers.add(server);
    return server;
  }

  private static String body(String more) {
    return "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]," + TOOLS + more + "}";
  }

  /** The answer when the model says these pieces. */
  private JsonNode choice(String template, String more, String... pieces) throws Exception {
    TestServer server = server(template);
    server.backend().script(says(pieces));
    JsonNode answer = json(server.post(PATH, body(more)));
    return answer.get("choices").get(0);
  }

  private static Consumer<Submission> says(String... pieces) {
    return submission -> {
      for (String piece : pieces) {
        submission.text(piece);
      }
      submission.finish(Finish.Reason.STOP);
    };
  }

  private static String prompt(TestServer server) {
    int[] tokens = server.backend().all().getLast().request().prompt();
    byte[] bytes = new byte[tokens.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) tokens[i];
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static void assertCall(JsonNode call, String name, String arguments) {
    assertThat(call.get("type").asString()).isEqualTo("function");
    assertThat(call.get("id").asString()).isNotBlank();
    assertThat(call.get("function").get("name").asString()).isEqualTo(name);
    assertThat(call.get("function").get("arguments").asString()).isEqualTo(arguments);
  }

  @Test
  void theTemplateSeesTheTools() throws Exception {
    TestServer server = server(ToolTemplates.HERMES);
    server.backend().script(says("hi"));
    JsonNode choice = json(server.post(PATH, body(""))).get("choices").get(0);
    assertThat(choice.get("message").get("content").asString()).isEqualTo("hi");
    assertThat(choice.get("message").has("tool_calls")).isFalse();
    assertThat(choice.get("finish_reason").asString()).isEqualTo("stop");
    assertThat(prompt(server))
        .contains("{\"type\": \"function\", \"function\": {\"name\": \"weather\", \"descr")
        .contains("{\"name\": \"now\"}");
    server.post(PATH, body(",\"tool_choice\":\"none\""));
    assertThat(prompt(server)).doesNotContain("weather");
  }

  @Test
  void readsHermesCalls() throws Exception {
    JsonNode choice =
        choice(
            ToolTemplates.HERMES,
            "",
            "Let me see.\n<tool",
            "_call>\n{\"name\": \"weather\", \"arguments\": {\"place\": \"Bay\"}}\n</tool_call>\n<tool_call>",
            "{\"name\":\"now\",\"arguments\":{}}</tool_call>\n");
    assertThat(choice.get("finish_reason").asString()).isEqualTo("tool_calls");
    JsonNode message = choice.get("message");
    assertThat(message.get("content").asString()).isEqualTo("Let me see.");
    assertThat(message.get("tool_calls").size()).isEqualTo(2);
    assertCall(message.get("tool_calls").get(0), "weather", "{\"place\":\"Bay\"}");
    assertCall(message.get("tool_calls").get(1), "now", "{}");
    assertThat(message.get("tool_calls").get(0).get("id"))
        .isNotEqualTo(message.get("tool_calls").get(1).get("id"));
  }

  @Test
  void readsLlamaCalls() throws Exception {
    JsonNode choice =
        choice(
            ToolTemplates.LLAMA,
            "",
            "\n{\"name\": \"wea",
            "ther\", \"parameters\": {\"place\":\"B\"}}");
    assertThat(choice.get("message").get("content").isNull()).isTrue();
    assertCall(choice.get("message").get("tool_calls").get(0), "weather", "{\"place\":\"B\"}");
    JsonNode text = choice(ToolTemplates.LLAMA, "", "An object: ", "{\"name\":\"now\"}");
    assertThat(text.get("message").get("content").asString())
        .isEqualTo("An object: {\"name\":\"now\"}");
  }

  @Test
  void readsMistralCalls() throws Exception {
    JsonNode choice =
        choice(
            ToolTemplates.MISTRAL,
            "",
            "[TOOL_CALLS]",
            " [{\"name\":\"now\",\"arguments\":{}},{\"name\":\"weather\",",
            "\"arguments\":{\"place\":\"B\"}}]");
    JsonNode calls = choice.get("message").get("tool_calls");
    assertCall(calls.get(0), "now", "{}");
    assertCall(calls.get(1), "weather", "{\"place\":\"B\"}");
    assertThat(calls.get(0).get("id").asString()).matches("[a-zA-Z0-9]{9}");
    assertThat(servers.getLast().backend().all().getLast().request().sampling().skipSpecialTokens())
        .isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<tool_call>{\"name\":\"now\",\"arguments\":</tool_call>",
        "<tool_call>{\"name\":\"format_disk\",\"arguments\":{}}</tool_call>",
        "<tool_call>soon",
        "ends \n\n<tool_call>\n{}\n</tool_call> here",
        "a <tool_cal",
        "1 < 2",
      })
  void whatIsNoCallIsText(String said) throws Exception {
    JsonNode choice = choice(ToolTemplates.HERMES, "", said);
    assertThat(choice.get("message").get("content").asString()).isEqualTo(said);
    assertThat(choice.get("message").has("tool_calls")).isFalse();
    assertThat(choice.get("finish_reason").asString()).isEqualTo("stop");
  }

  @Test
  void onlyOneCallWhereSeveralAreNotWanted() throws Exception {
    String now = "<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>";
    JsonNode choice = choice(ToolTemplates.HERMES, ",\"parallel_tool_calls\":false", now + now);
    assertThat(choice.get("message").get("tool_calls").size()).isEqualTo(1);
  }

  @Test
  void streamsCallsAsDeltas() throws Exception {
    TestServer server = server(ToolTemplates.HERMES);
    String said =
        "So:\n<tool_call>{\"name\":\"weather\",\"arguments\":{\"place\":\"a\"}}</tool_call>\n"
            + "<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>";
    server.backend().script(says(said.split("(?<=\\G..)")));
    List<String> events = events(server.post(PATH, body(",\"stream\":true")).body());
    StringBuilder text = new StringBuilder();
    List<JsonNode> calls = new ArrayList<>();
    for (String event : events.subList(0, events.size() - 1)) {
      JsonNode delta = JSON.readTree(event).get("choices").get(0).get("delta");
      text.append(delta.path("content").asString(""));
      delta.path("tool_calls").forEach(calls::add);
    }
    assertThat(text.toString()).isEqualTo("So:");
    assertThat(calls).extracting(call -> call.get("index").asInt()).containsExactly(0, 1);
    assertCall(calls.get(0), "weather", "{\"place\":\"a\"}");
    assertCall(calls.get(1), "now", "{}");
    JsonNode last = JSON.readTree(events.get(events.size() - 2)).get("choices").get(0);
    assertThat(last.get("finish_reason").asString()).isEqualTo("tool_calls");
  }

  @Test
  void aForcedCallIsConstrained() throws Exception {
    TestServer hermes = server(ToolTemplates.HERMES);
    hermes
        .backend()
        .script(says("<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"));
    JsonNode choice =
        json(hermes.post(PATH, body(",\"tool_choice\":\"required\""))).get("choices").get(0);
    assertCall(choice.get("message").get("tool_calls").get(0), "now", "{}");
    assertThat(hermes.backend().all().getLast().request().sampling().adjustments().constraint())
        .isNotNull();
    TestServer mistral = server(ToolTemplates.MISTRAL);
    mistral.backend().script(says(" [{\"name\":\"now\",\"arguments\":{}}]"));
    choice =
        json(mistral.post(
                PATH,
                body(",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"now\"}}")))
            .get("choices")
            .get(0);
    assertCall(choice.get("message").get("tool_calls").get(0), "now", "{}");
    assertThat(prompt(mistral)).endsWith("<|assistant|>[TOOL_CALLS]");
  }

  @Test
  void theTemplateSeesEarlierCallsAndTheirResults() throws Exception {
    TestServer server = server(ToolTemplates.HERMES);
    server.backend().script(says("cold"));
    var response =
        server.post(
            PATH,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\","
                + "\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\","
                + "\"function\":{\"name\":\"now\",\"arguments\":\"{\\\"a\\\":1}\"}}]},"
                + "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"noon\"}],"
                + TOOLS
                + "}");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(prompt(server))
        .contains("{\"name\": \"now\", \"arguments\": {\"a\": 1}}<|end|><|tool|>noon<|end|>");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ,"tool_choice":"sometimes"                                                 | tool_choice
          ,"tool_choice":{"type":"function"}                                         | tool_choice
          ,"tool_choice":{"type":"function","function":{"name":"f"}}                 | tool_choice.function.name
          ,"response_format":{"type":"json_object"}                                  | response_format
          ,"tool_choice":"required","allowed_token_ids":[1]                          | allowed_token_ids
          """)
  void namesTheFieldAtFault(String more, String param) throws Exception {
    var response = server(ToolTemplates.HERMES).post(PATH, body(more));
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(json(response).get("error").get("param").asString()).isEqualTo(param);
  }

  @Test
  void namesTheKeywordOfAToolsSchemaOnlyWhereItIsNeeded() throws Exception {
    String tools =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":[{\"type\":\"function\","
            + "\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":"
            + "{\"n\":{\"type\":\"integer\",\"minimum\":1}}}}}]%s}";
    TestServer server = server(ToolTemplates.HERMES);
    server.backend().script(says("hi"));
    assertThat(server.post(PATH, tools.formatted("")).statusCode()).isEqualTo(200);
    var refused = server.post(PATH, tools.formatted(",\"tool_choice\":\"required\""));
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(json(refused).get("error").get("param").asString())
        .isEqualTo("tools[0].function.parameters.properties.n.minimum");
  }

  @Test
  void modelsWithoutAKnownFormatRefuseTools() throws Exception {
    TestServer server = server(ToolTemplates.OTHER);
    var response = server.post(PATH, body(""));
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(json(response).get("error").get("message").asString())
        .isEqualTo("the model's chat template has no format of tool calls that is known");
  }
}
