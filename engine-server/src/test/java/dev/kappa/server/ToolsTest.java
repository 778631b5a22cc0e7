package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.JSON;
import static dev.kappa.server.testing.TestServer.events;
import static dev.kappa.server.testing.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.engine.Finish;
import dev.kappa.server.backend.SamplingDefaults;
import dev.kappa.server.testing.RawClient;
import dev.kappa.server.testing.Submission;
import dev.kappa.server.testing.TestServer;
import dev.kappa.server.testing.ToolTemplates;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
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
    assertCall(message.get("tool_calls").get(0), "weather", "{\"place\": \"Bay\"}");
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

  /** What a stream's deltas say: text, and for each call its pieces. */
  private record Streamed(String text, List<List<JsonNode>> calls, String finish) {

    String arguments(int call) {
      StringBuilder all = new StringBuilder();
      calls
          .get(call)
          .forEach(piece -> all.append(piece.get("function").get("arguments").asString()));
      return all.toString();
    }
  }

  private Streamed stream(String template, String more, Consumer<Submission> script)
      throws Exception {
    TestServer server = server(template);
    server.backend().script(script);
    return collect(server, more);
  }

  private static Streamed collect(TestServer server, String more) throws Exception {
    List<String> events = events(server.post(PATH, body(",\"stream\":true" + more)).body());
    StringBuilder text = new StringBuilder();
    List<List<JsonNode>> calls = new ArrayList<>();
    String finish = "";
    for (String event : events.subList(0, events.size() - 1)) {
      JsonNode choice = JSON.readTree(event).get("choices").get(0);
      text.append(choice.get("delta").path("content").asString(""));
      for (JsonNode piece : choice.get("delta").path("tool_calls")) {
        int index = piece.get("index").asInt();
        if (index == calls.size()) {
          calls.add(new ArrayList<>());
        }
        calls.get(index).add(piece);
      }
      finish = choice.path("finish_reason").asString(finish);
    }
    return new Streamed(text.toString(), calls, finish);
  }

  /** As clients put streams together: id, type and name once, then arguments. */
  private static void assertPieces(List<JsonNode> pieces, String name) {
    JsonNode first = pieces.getFirst();
    assertThat(first.get("id").asString()).isNotBlank();
    assertThat(first.get("type").asString()).isEqualTo("function");
    assertThat(first.get("function").get("name").asString()).isEqualTo(name);
    for (JsonNode later : pieces.subList(1, pieces.size())) {
      assertThat(later.propertyNames()).containsExactlyInAnyOrder("index", "function");
      assertThat(later.get("function").propertyNames()).containsExactly("arguments");
      assertThat(later.get("function").get("arguments").asString()).isNotEmpty();
    }
  }

  private static final String HERMES_CALLS =
      "So:\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"place\": \"a}\\\"</tool_call>\"}}\n"
          + "</tool_call>\n<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>\n";

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 1000})
  void streamsCallsPieceByPiece(int length) throws Exception {
    Streamed streamed = stream(ToolTemplates.HERMES, "", says(pieces(HERMES_CALLS, length)));
    assertThat(streamed.text()).isEqualTo("So:");
    assertThat(streamed.calls()).hasSize(2);
    assertPieces(streamed.calls().get(0), "weather");
    assertPieces(streamed.calls().get(1), "now");
    assertThat(streamed.arguments(0)).isEqualTo("{\"place\": \"a}\\\"</tool_call>\"}");
    assertThat(streamed.arguments(1)).isEqualTo("{}");
    assertThat(streamed.finish()).isEqualTo("tool_calls");
    if (length < 4) {
      assertThat(streamed.calls().get(0)).hasSizeGreaterThan(5);
    }
  }

  private static String[] pieces(String text, int length) {
    return text.split("(?s)(?<=\\G.{%d})".formatted(length));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 1000})
  void streamsLlamaAndMistralCalls(int length) throws Exception {
    Streamed llama =
        stream(
            ToolTemplates.LLAMA,
            "",
            says(
                pieces("\n{\"name\": \"weather\", \"parameters\": {\"place\": \"B\"}}\n", length)));
    assertThat(llama.text()).isEmpty();
    assertPieces(llama.calls().getFirst(), "weather");
    assertThat(llama.arguments(0)).isEqualTo("{\"place\": \"B\"}");
    Streamed mistral =
        stream(
            ToolTemplates.MISTRAL,
            "",
            says(
                pieces(
                    "Well [TOOL_CALLS] [{\"name\": \"now\", \"arguments\": {}, \"id\": \"a]}\"}, "
                        + "{\"arguments\": {\"place\": \"]\"}, \"name\": \"weather\"}]",
                    length)));
    assertThat(mistral.text()).isEqualTo("Well");
    assertThat(mistral.calls()).hasSize(2);
    assertPieces(mistral.calls().get(0), "now");
    assertThat(mistral.arguments(0)).isEqualTo("{}");
    // Arguments before the name can come only with it.
    assertThat(mistral.calls().get(1)).hasSize(1);
    assertPieces(mistral.calls().get(1), "weather");
    assertThat(mistral.arguments(1)).isEqualTo("{\"place\":\"]\"}");
  }

  @Test
  void theNameComesBeforeItsArgumentsAreComplete() throws Exception {
    TestServer server = server(ToolTemplates.HERMES);
    try (RawClient client = new RawClient(server.port())) {
      client.post(PATH, body(",\"stream\":true"));
      Submission submission = server.backend().next();
      submission.text("<tool_call>{\"name\":\"weather\",\"arguments\":{\"pl");
      // The server waits for nothing more to say this.
      client.receiveUntil("\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"pl\"}");
      submission.text("ace\":\"x\"}}</tool_call>");
      client.receiveUntil("\"function\":{\"arguments\":\"ace\\\":\\\"x\\\"}\"}");
      submission.finish(Finish.Reason.STOP);
      client.receiveUntil("[DONE]");
    }
  }

  /** A call that a limit cuts is a call all the same, as with OpenAI. */
  @Test
  void aCallMayBeCut() throws Exception {
    Consumer<Submission> cut =
        submission -> {
          submission.text("<tool_call>{\"name\":\"weather\",\"arguments\":{\"pl");
          submission.finish(Finish.Reason.LENGTH);
        };
    Streamed streamed = stream(ToolTemplates.HERMES, "", cut);
    assertThat(streamed.arguments(0)).isEqualTo("{\"pl");
    assertThat(streamed.finish()).isEqualTo("length");
    TestServer server = server(ToolTemplates.HERMES);
    server.backend().script(cut);
    JsonNode choice = json(server.post(PATH, body(""))).get("choices").get(0);
    assertCall(choice.get("message").get("tool_calls").get(0), "weather", "{\"pl");
    assertThat(choice.get("finish_reason").asString()).isEqualTo("length");
  }

  /** Whatever a model says and however it is cut into pieces, streams say what whole answers do. */
  @ParameterizedTest
  @ValueSource(strings = {"HERMES", "LLAMA", "MISTRAL"})
  void streamsSayWhatWholeAnswersDo(String format) throws Exception {
    String template =
        switch (format) {
          case "HERMES" -> ToolTemplates.HERMES;
          case "LLAMA" -> ToolTemplates.LLAMA;
          default -> ToolTemplates.MISTRAL;
        };
    List<String> parts =
        List.of(
            "<tool_call>",
            "</tool_call>",
            "[TOOL_CALLS]",
            "[",
            "]",
            ", ",
            "\n",
            "text",
            "{}",
            "{\"name\":\"now\",\"arguments\":{}}",
            "{\"name\": \"weather\", \"parameters\": {\"place\": \"}\"}}",
            "{\"arguments\":{},\"name\":\"now\"}",
            "{\"name\":\"other\",\"arguments\":{}}",
            "{\"name\":\"now\",\"arguments\":",
            "{\"name\":\"now\"}");
    TestServer server = server(template);
    for (int seed = 0; seed < 150; seed++) {
      Random random = new Random(seed);
      StringBuilder said = new StringBuilder();
      for (int i = random.nextInt(7); i >= 0; i--) {
        said.append(parts.get(random.nextInt(parts.size())));
      }
      String[] pieces = pieces(said.toString(), 1 + random.nextInt(6));
      String more = ",\"parallel_tool_calls\":" + random.nextBoolean();
      server.backend().script(says(pieces));
      JsonNode whole = json(server.post(PATH, body(more))).get("choices").get(0);
      Streamed streamed = collect(server, more);
      String what = "seed %d: %s".formatted(seed, said);
      assertThat(streamed.text())
          .as(what)
          .isEqualTo(whole.get("message").path("content").asString(""));
      JsonNode calls = whole.get("message").path("tool_calls");
      assertThat(streamed.calls()).as(what).hasSize(calls.size());
      for (int i = 0; i < calls.size(); i++) {
        assertPieces(streamed.calls().get(i), calls.get(i).get("function").get("name").asString());
        assertThat(streamed.arguments(i))
            .as(what)
            .isEqualTo(calls.get(i).get("function").get("arguments").asString());
      }
      assertThat(streamed.finish()).as(what).isEqualTo(whole.get("finish_reason").asString());
    }
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
            + "{\"n\":{\"type\":\"integer\",\"not\":{}}}}}}]%s}";
    TestServer server = server(ToolTemplates.HERMES);
    server.backend().script(says("hi"));
    assertThat(server.post(PATH, tools.formatted("")).statusCode()).isEqualTo(200);
    var refused = server.post(PATH, tools.formatted(",\"tool_choice\":\"required\""));
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(json(refused).get("error").get("param").asString())
        .isEqualTo("tools[0].function.parameters.properties.n.not");
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
