package dev.kappa.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.text.Conversation.Ending;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Templates of well-known models, rendered by transformers; see {@code make_expected.py}. */
class PublishedTemplatesTest {

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final Path FOLDER = Tokenizers.resource("/templates/published");
  private static final JsonNode EXPECTED = read("expected.json");
  private static final JsonNode CONVERSATIONS = read("conversations.json");
  private static final JsonNode VARIABLES = read("variables.json");

  private static JsonNode read(String name) {
    return JSON.readTree(FOLDER.resolve(name));
  }

  static Stream<Named<JsonNode>> cases() {
    return EXPECTED
        .path("cases")
        .valueStream()
        .map(c ->
            Named.of(
                "%s, %s, %s"
                    .formatted(
                        c.path("template").asString(),
                        c.path("conversation").asString(),
                        c.path("variables")),
                c));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void renderAsTransformersDoes(JsonNode expected) throws IOException {
    ChatTemplate template = template(expected.path("template").asString());
    Conversation conversation = conversation(expected);
    if (expected.has("output")) {
      assertThat(template.render(conversation)).isEqualTo(expected.path("output").asString());
    } else if (expected.has("rejection")) {
      assertThatThrownBy(() -> template.render(conversation))
          .isInstanceOf(TemplateRejection.class)
          .hasMessage(expected.path("rejection").asString());
    } else {
      assertThatThrownBy(() -> template.render(conversation))
          .as(expected.path("error").asString())
          .isInstanceOf(TextException.class)
          .isNotInstanceOf(TemplateRejection.class);
    }
  }

  private static ChatTemplate template(String name) throws IOException {
    Map<String, String> tokens = new HashMap<>();
    EXPECTED
        .path("specialTokens")
        .properties()
        .forEach(token -> tokens.put(token.getKey(), token.getValue().asString()));
    String source =
        name.equals("haystack") ? haystack() : Files.readString(FOLDER.resolve(name + ".jinja"));
    LocalDateTime now = LocalDateTime.parse(EXPECTED.path("now").asString());
    Clock clock = Clock.fixed(now.toInstant(ZoneOffset.UTC), ZoneOffset.UTC);
    return ChatTemplate.parse(source, tokens).withClock(clock);
  }

  private static String haystack() {
    Path directory = Path.of("..", "models", "haystack");
    return Objects.requireNonNull(
        TokenizerConfig.load(directory).chatTemplates().get(TokenizerConfig.DEFAULT_TEMPLATE));
  }

  @SuppressWarnings("unchecked")
  private static Conversation conversation(JsonNode expected) {
    Map<String, Object> variables = new HashMap<>();
    for (Map.Entry<String, JsonNode> variable : expected.path("variables").properties()) {
      String name = variable.getValue().asString("");
      JsonNode value =
          name.startsWith("$") ? VARIABLES.path(name.substring(1)) : variable.getValue();
      variables.put(variable.getKey(), JSON.treeToValue(value, Object.class));
    }
    Ending ending =
        expected.path("continueFinalMessage").asBoolean(false)
            ? Ending.WITHIN_LAST_MESSAGE
            : expected.path("addGenerationPrompt").asBoolean()
                ? Ending.GENERATION_PROMPT
                : Ending.AFTER_LAST_MESSAGE;
    JsonNode messages = CONVERSATIONS.path(expected.path("conversation").asString());
    return Conversation.of((List<Map<String, Object>>) JSON.treeToValue(messages, List.class))
        .withTools((List<Map<String, Object>>) variables.remove("tools"))
        .withDocuments((List<Map<String, Object>>) variables.remove("documents"))
        .withEnding(ending)
        .withVariables(variables);
  }
}
