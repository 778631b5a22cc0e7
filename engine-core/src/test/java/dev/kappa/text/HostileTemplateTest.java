package dev.kappa.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Templates that would take all time or memory end in an error. */
class HostileTemplateTest {

  private static final String NEST =
      "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}"
          + "{% endfor %}";
  private static final String LONG = "{% set long = 'a' * 20000000 %}";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 1000000000000 }}",
        "{{ [1] * 1000000000000 }}",
        "{{ 'x'.center(2000000000) }}",
        "{{ 'x' | center(2000000000) }}",
        "{{ 'x'.zfill(2000000000) }}",
        "{{ '%999999999d' | format(1) }}{{ '%999999999s' % 1 }}",
        "{{ 'x' | indent(2000000000, true) }}",
        "{{ [1] | tojson(indent=2000000000) }}",
        "{{ [1] | batch(2000000000, 0) }}",
        "{{ range(100001) }}",
        "{{ 2 ** 99999999 }}",
        "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(99) %}"
            + "{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(99) %}"
            + "{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s='xx') %}{% for i in range(99) %}"
            + "{% set ns.s = ns.s | replace('x', ns.s) %}{% endfor %}",
        "{% set ns = namespace(s='xx') %}{% for i in range(99) %}"
            + "{% set ns.s = ns.s.join(ns.s | list) %}{% endfor %}",
        "{% set ns = namespace(s='xx') %}{% for i in range(99) %}"
            + "{% set ns.s = '{0}{0}'.format(ns.s) %}{% endfor %}",
        "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
        "{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
        NEST + "{{ ns.x }}",
        NEST + "{{ ns.x | tojson }}",
        NEST + "{{ ns.x == [ns.x[0], [ns.x[1][0], ns.x[1][1]]] }}",
        NEST + "{{ ns.x | string | length }}",
        NEST + "{{ '%s' % [ns.x] }}",
        LONG + "{{ (long ~ 'b') in (long ~ long) }}",
        LONG + "{{ long.find(long[1:] ~ 'b') }}",
        LONG + "{{ long | replace('a', 'bb') | replace('b', 'cc') | replace('c', 'dd') }}",
        LONG + "{% for c in long %}{% for d in long %}{% endfor %}{% endfor %}",
        LONG + "{% for i in range(99999) %}{% if long[i] == 'b' %}{% endif %}{% endfor %}",
      })
  void endsSoonWithAnError(String source) {
    ChatTemplate template = ChatTemplate.parse(source, Map.of());
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(300),
        () ->
            assertThatThrownBy(() -> template.render(List.of(), true, Map.of()))
                .isInstanceOf(TextException.class));
  }

  @ParameterizedTest
  @ValueSource(strings = {"(", "[", "-", "not ", "a(", "1 + ", "x if y else ", "{1: "})
  void deepExpressionsEndInAnError(String piece) {
    String source = "{{ " + piece.repeat(200_000) + " 1 }}";
    assertThatThrownBy(() -> ChatTemplate.parse(source, Map.of()).render(List.of(), true, Map.of()))
        .isInstanceOf(TextException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ 'aaaaaaaa",
        "{{ '\\\\\\\\\\\\\\\\",
        "{% if x %}",
        "{{ 1_1_1_1_",
        "{#",
        "{% raw %}"
      })
  void longBrokenTemplatesAreRefused(String piece) {
    String source = piece.repeat(20_000);
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(300),
        () ->
            assertThatThrownBy(() -> ChatTemplate.parse(source, Map.of()))
                .isInstanceOf(TextException.class));
  }

  @Test
  void aConversationOfAMillionCharactersIsFarFromTheLimit() {
    String text = "All work and no play. ".repeat(50);
    Map<String, Object> user = ChatTemplate.message("user", text);
    Map<String, Object> assistant = ChatTemplate.message("assistant", "<think>x</think>" + text);
    List<Map<String, Object>> messages =
        java.util.stream.IntStream.range(0, 1000)
            .mapToObj(i -> i % 2 == 0 ? user : assistant)
            .toList();
    ChatTemplate template =
        ChatTemplate.parse(
            "{% for m in messages[::-1] %}{% if m.content.startswith('x') %}{% endif %}{% endfor %}"
                + "{% for m in messages %}{{ '<' + m.role + '>' }}{% if '</think>' in m.content %}"
                + "{{ m.content.split('</think>')[-1].lstrip('\\n') | trim }}{% else %}"
                + "{{ m.content | trim }}{% endif %}{{ '<end>' }}{% endfor %}",
            Map.of());
    assertThat(template.render(messages, true, Map.of()).length()).isGreaterThan(1_000_000);
  }
}
