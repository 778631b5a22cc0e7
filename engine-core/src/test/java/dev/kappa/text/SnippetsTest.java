package dev.kappa.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.text.jinja.JinjaException;
import dev.kappa.text.jinja.Template;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Compares with what Python's Jinja made of the same templates; see {@code make_snippets.py} and
 * {@code make_random_snippets.py}.
 */
class SnippetsTest {

  private static final JsonMapper JSON = JsonMapper.builder().build();

  static Stream<Arguments> cases() {
    return Stream.of("snippets.json", "random_snippets.json").flatMap(SnippetsTest::cases);
  }

  private static Stream<Arguments> cases(String file) {
    JsonNode recorded = JSON.readTree(Tokenizers.resource("/templates/" + file));
    return recorded
        .path("cases")
        .valueStream()
        .map(c -> Arguments.of(c.path("name").asString(), recorded, c));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void rendersAsPythonDoes(String name, JsonNode recorded, JsonNode expected) {
    String template = expected.path("template").asString();
    if (expected.has("output")) {
      assertThat(render(template, recorded))
          .as(template)
          .isEqualTo(expected.path("output").asString());
    } else if (expected.has("rejection")) {
      assertThatThrownBy(() -> render(template, recorded))
          .isInstanceOf(TemplateRejection.class)
          .hasMessage(expected.path("rejection").asString());
    } else {
      assertThatThrownBy(() -> render(template, recorded))
          .as("%s: %s", template, expected.path("error").asString())
          .isInstanceOf(JinjaException.class)
          .hasMessageStartingWith("template line ");
    }
  }

  @SuppressWarnings("unchecked")
  private static String render(String template, JsonNode recorded) {
    LocalDateTime now = LocalDateTime.parse(recorded.path("now").asString());
    Clock clock = Clock.fixed(now.toInstant(ZoneOffset.UTC), ZoneOffset.UTC);
    Map<String, Object> variables =
        (Map<String, Object>) JSON.treeToValue(recorded.path("variables"), Map.class);
    return Template.parse(template).render(variables, clock, ChatTemplate.MAX_WORK);
  }
}
