package dev.kappa.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.text.jinja.JinjaException;
import dev.kappa.text.jinja.Template;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Compares with what Python's Jinja made of the same templates; see {@code make_golden.py}. */
class ChatTemplateGoldenTest {

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final JsonNode GOLDEN = read();

  private static JsonNode read() {
    try (InputStream in =
        ChatTemplateGoldenTest.class.getResourceAsStream("/templates/golden.json")) {
      return JSON.readTree(Objects.requireNonNull(in));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  static Stream<Arguments> cases() {
    return GOLDEN.path("cases").valueStream().map(c -> Arguments.of(c.path("name").asString(), c));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void rendersAsPythonDoes(String name, JsonNode golden) {
    String template =
        golden.has("model")
            ? GOLDEN.path("models").path(golden.path("model").asString()).asString()
            : golden.path("template").asString();
    Map<String, Object> values = toMap(GOLDEN.path("shared"));
    if (!golden.has("model")) {
      values.putAll(toMap(GOLDEN.path("variables")));
    }
    if (golden.has("conversation")) {
      values.putAll(
          Map.of(
              "messages",
              toList(GOLDEN.path("conversations").path(golden.path("conversation").asString()))));
    }
    if (golden.has("variables")) {
      values.putAll(toMap(golden.path("variables")));
    }
    if (golden.has("output")) {
      assertThat(render(template, values)).isEqualTo(golden.path("output").asString());
    } else if (golden.has("rejection")) {
      assertThatThrownBy(() -> render(template, values))
          .isInstanceOf(TemplateRejection.class)
          .hasMessage(golden.path("rejection").asString());
    } else {
      assertThatThrownBy(() -> render(template, values))
          .as(golden.path("error").asString())
          .isInstanceOf(JinjaException.class)
          .hasMessageStartingWith("template line ");
    }
  }

  private static String render(String template, Map<String, Object> variables) {
    LocalDateTime now = LocalDateTime.parse(GOLDEN.path("now").asString());
    Clock clock = Clock.fixed(now.toInstant(ZoneOffset.UTC), ZoneOffset.UTC);
    return Template.parse(template).render(variables, clock, ChatTemplate.MAX_WORK);
  }

  private static List<?> toList(JsonNode node) {
    return JSON.treeToValue(node, List.class);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> toMap(JsonNode node) {
    return (Map<String, Object>) JSON.treeToValue(node, Map.class);
  }
}
