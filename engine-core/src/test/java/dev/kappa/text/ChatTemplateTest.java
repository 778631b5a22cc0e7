package dev.kappa.text;

import static dev.kappa.text.ChatTemplate.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.text.Conversation.Ending;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {

  private static final List<Map<String, Object>> HELLO = List.of(message("user", "hello"));

  @Test
  void bindsTheModelsSpecialTokens() {
    ChatTemplate template =
        Objects.requireNonNull(ChatTemplate.load(Tokenizers.directory("sentencepiece")));
    assertThat(template.render(HELLO, true, Map.of())).isEqualTo("<s>hello");
    assertThat(template.render(HELLO, true, Map.of("bos_token", "B"))).isEqualTo("Bhello");
  }

  @Test
  void usesTheToolTemplateWhereToolsAreGiven() {
    ChatTemplate template =
        Objects.requireNonNull(ChatTemplate.load(Tokenizers.directory("sentencepiece")));
    assertThat(template.render(HELLO, true, Map.of("tools", List.of(Map.of("a", 1)))))
        .isEqualTo("[{\"a\": 1}]");
  }

  @Test
  void toolsAndDocumentsGoBeforeVariablesOfTheirName() {
    ChatTemplate template =
        ChatTemplate.parse("{{ tools }} {{ documents }} {{ bos_token }}", Map.of());
    Conversation conversation =
        Conversation.of(HELLO)
            .withVariables(Map.of("tools", "x", "documents", "y", "bos_token", "b"));
    assertThat(template.render(conversation)).isEqualTo("x y b");
    assertThat(
            template.render(
                conversation
                    .withTools(List.of(Map.of("a", 1)))
                    .withDocuments(List.of(Map.of("text", "t")))))
        .isEqualTo("[{'a': 1}] [{'text': 't'}] b");
  }

  @Test
  void messagesAndEndingAreNotUpToVariables() {
    ChatTemplate template =
        ChatTemplate.parse("{{ messages | length }} {{ add_generation_prompt }}", Map.of());
    Conversation conversation =
        Conversation.of(HELLO)
            .withEnding(Ending.AFTER_LAST_MESSAGE)
            .withVariables(Map.of("messages", "x", "add_generation_prompt", true));
    assertThat(template.render(conversation)).isEqualTo("1 False");
  }

  @Test
  void onlyTextThatTheTemplateKeepsCanBeContinued() {
    ChatTemplate lastOnly = ChatTemplate.parse("{{ messages[-1].content }}!", Map.of());
    Conversation hello = Conversation.of(HELLO).withEnding(Ending.WITHIN_LAST_MESSAGE);
    assertThat(lastOnly.render(hello)).isEqualTo("hello");
    assertThatThrownBy(() -> ChatTemplate.parse("fixed", Map.of()).render(hello))
        .isInstanceOf(TextException.class)
        .hasMessageContaining("does not render it as it is");
    for (Object content : new Object[] {List.of(Map.of("type", "image")), Map.of()}) {
      Conversation other =
          Conversation.of(List.of(Map.of("role", "user", "content", content)))
              .withEnding(Ending.WITHIN_LAST_MESSAGE);
      assertThatThrownBy(() -> lastOnly.render(other))
          .isInstanceOf(TextException.class)
          .hasMessageContaining("to continue");
    }
    Conversation none = Conversation.of(List.of()).withEnding(Ending.WITHIN_LAST_MESSAGE);
    assertThatThrownBy(() -> lastOnly.render(none))
        .isInstanceOf(TextException.class)
        .hasMessage("there is no message to continue");
  }

  @Test
  void aModelWithoutTemplateHasNone() {
    assertThat(ChatTemplate.load(Tokenizers.directory("unigram"))).isNull();
  }

  @Test
  void toolsAreNoneRatherThanUndefined() {
    assertThat(render("{{ tools is defined }} {{ tools }} {{ documents }} {{ bos_token }}"))
        .isEqualTo("True None None ");
  }

  @Test
  void tellsTheTimeOfItsClock() {
    Clock clock = Clock.fixed(Instant.parse("2026-11-23T23:30:00Z"), ZoneId.of("Europe/Zurich"));
    ChatTemplate template =
        ChatTemplate.parse("{{ strftime_now('%d %b %Y %H:%M') }}", Map.of()).withClock(clock);
    assertThat(template.render(HELLO, true, Map.of())).isEqualTo("24 Nov 2026 00:30");
  }

  @Test
  void passesTheTemplatesRefusalOn() {
    assertThatThrownBy(() -> render("{{ raise_exception('No ' ~ messages[0].role ~ '!') }}"))
        .isInstanceOf(TemplateRejection.class)
        .hasMessage("No user!");
  }

  @Test
  void errorsNameTheLine() {
    assertThatThrownBy(() -> render("a\n{{ b }}\n\n{% if c.d %}{% endif %}"))
        .isInstanceOf(TextException.class)
        .hasMessage("template line 4: 'c' is undefined");
    assertThatThrownBy(() -> render("a\n\n{% endif %}"))
        .hasMessage("template line 3: unknown tag 'endif'");
    assertThatThrownBy(() -> render("a\n{% for x in y %}\n\n{{ x }"))
        .hasMessageStartingWith("template line 4: ");
    assertThatThrownBy(() -> render("\n{{ 'a\nb' }}\n{{ 1 + }}")).hasMessageContaining("line 4: ");
    assertThatThrownBy(() -> render("{% macro m(x) %}\n{{ x.y }}\n{% endmacro %}\n{{ m() }}"))
        .hasMessage("template line 2: parameter 'x' was not provided");
  }

  @Test
  void namesTheModelWhoseTemplateIsBroken(@TempDir Path directory) throws IOException {
    Files.writeString(directory.resolve("chat_template.jinja"), "\n{% if %}");
    assertThatThrownBy(() -> ChatTemplate.load(directory))
        .isInstanceOf(TextException.class)
        .hasMessageContaining(directory.toString())
        .hasMessageContaining("line 2");
  }

  @Test
  void templatesCannotChangeTheConversation() {
    Map<String, Object> message = new HashMap<>(message("user", "hello"));
    List<Map<String, Object>> messages = new ArrayList<>(List.of(message));
    for (String attempt :
        new String[] {
          "{{ messages.append(1) }}",
          "{{ messages[0].update({'role': 'x'}) }}",
          "{{ messages[0].pop('role') }}",
          "{% set messages[0].role = 'x' %}",
          "{% set messages.x = 'x' %}"
        }) {
      assertThatThrownBy(
              () -> ChatTemplate.parse(attempt, Map.of()).render(messages, false, Map.of()))
          .as(attempt)
          .isInstanceOf(TextException.class);
    }
    assertThat(messages).isEqualTo(HELLO);
  }

  @Test
  void valuesHaveNoJavaMembers() {
    for (String attempt : List.of("class", "getClass", "hashCode", "__class__", "toString")) {
      assertThat(render("{{ messages[0].role." + attempt + " }}")).isEmpty();
      assertThat(render("{{ messages['" + attempt + "'] is undefined }}")).isEqualTo("True");
      assertThatThrownBy(() -> render("{{ messages." + attempt + "() }}"))
          .isInstanceOf(TextException.class);
    }
    assertThatThrownBy(
            () -> ChatTemplate.parse("", Map.of()).render(HELLO, false, Map.of("x", new Object())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("java.lang.Object");
  }

  @Test
  void literalsCanBeLong() {
    String text = "All work and no play\n".repeat(10_000);
    assertThat(render("{{ '" + text + "' }}{{ \"" + text + "\" }}")).isEqualTo(text + text);
    assertThat(render("{% raw %}" + text + "{% endraw %}{#" + text + "#}" + text + "."))
        .isEqualTo(text + text + ".");
  }

  @Test
  void takesNullsAndAllNumbers() {
    Map<String, Object> message = new HashMap<>(message("assistant", ""));
    message.put("content", null);
    message.put("numbers", Arrays.asList(1, 2L, (short) 3, 1.5f, 2.5, null));
    assertThat(
            ChatTemplate.parse("{{ messages[0].content }} {{ messages[0].numbers }}", Map.of())
                .render(List.of(message), false, Map.of()))
        .isEqualTo("None [1, 2, 3, 1.5, 2.5, None]");
  }

  private static String render(String template) {
    return ChatTemplate.parse(template, Map.of()).render(HELLO, false, Map.of());
  }
}
