package dev.kappa.server.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.text.ChatTemplate;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ChatTemplatesTest {

  private static final List<Map<String, Object>> MESSAGES =
      List.of(
          Map.of("role", "developer", "content", "Be kind."),
          Map.of("role", "user", "content", "Hi"));

  private static String render(String template) {
    return ChatTemplates.renderer(ChatTemplate.parse(template, Map.of()))
        .render(MESSAGES, false, Map.of());
  }

  @Test
  void developersSpeakAsTheSystemWhereTheTemplateKnowsNone() {
    assertThat(render("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"))
        .isEqualTo("<system>Be kind.<user>Hi");
  }

  @Test
  void developersStayWhereTheTemplateKnowsThem() {
    assertThat(
            render(
                "{% for m in messages %}{% if m.role == 'developer' %}!{% endif %}"
                    + "{{ m.content }}{% endfor %}"))
        .isEqualTo("!Be kind.Hi");
  }
}
