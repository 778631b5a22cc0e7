package dev.kappa.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class DisjointnessTest {

  private static final JsonMapper JSON = new JsonMapper();

  private static void check(String one, String other, boolean disjoint) {
    JsonNode a = JSON.readTree(one);
    JsonNode b = JSON.readTree(other);
    assertThat(new Disjointness(schema -> schema).areDisjoint(a, b)).isEqualTo(disjoint);
    assertThat(new Disjointness(schema -> schema).areDisjoint(b, a)).isEqualTo(disjoint);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"type":"string"}                 | {"type":["null","boolean"]}
          {"type":"integer"}                | {"type":"string"}
          false                             | {}
          {"const":1}                       | {"const":2}
          {"const":1}                       | {"enum":["1",null]}
          {"const":"a"}                     | {"type":"integer"}
          {"enum":[1,2]}                    | {"type":["string","null"]}
          {"anyOf":[{"const":1},{"const":2}]}| {"oneOf":[{"const":3},{"type":"string"}]}
          {"allOf":[{"type":"string"}]}     | {"type":"null"}
          {"type":"object","properties":{"k":{"const":1}},"required":["k"]}| {"type":"object","properties":{"k":{"const":2}},"required":["k"]}
          {"type":"object","properties":{"k":{"const":1}},"required":["k"]}| {"type":"object","properties":{"k":{"const":2}}}
          {"type":"object","required":["a"]}| {"type":"object","properties":{"b":{}},"additionalProperties":false}
          """)
  void apart(String one, String other) {
    check(one, other, true);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {}                                | {}
          true                              | {"type":"string"}
          {"type":"integer"}                | {"type":"number"}
          {"const":1}                       | {"const":1.0}
          {"const":1.0}                     | {"type":"integer"}
          {"const":{"a":1}}                 | {"const":{"a":1.0}}
          {"type":"string"}                 | {"minimum":3}
          {"anyOf":[{"const":1},{"const":2}]}| {"const":2}
          {"type":"object","properties":{"k":{"const":1}}}| {"type":"object","properties":{"k":{"const":2}}}
          {"properties":{"k":{"const":1}},"required":["k"]}| {"properties":{"k":{"const":2}},"required":["k"]}
          {"type":"object","required":["a"]}| {"type":"object","patternProperties":{"a":{}},"additionalProperties":false}
          """)
  void perhapsNot(String one, String other) {
    check(one, other, false);
  }

  /** Each pair of constants would be a thousand million, for each pair of schemas. */
  @Test
  @Timeout(120)
  void longListsAreComparedInTime() {
    ObjectNode one = JSON.createObjectNode();
    ObjectNode other = JSON.createObjectNode();
    var evens = one.putArray("enum");
    var odds = other.putArray("enum");
    for (int i = 0; i < 40_000; i++) {
      evens.add(2 * i);
      odds.add(2 * i + 1);
    }
    Disjointness disjointness = new Disjointness(schema -> schema);
    assertThat(disjointness.areDisjoint(one, other)).isTrue();
    for (int i = 0; i < 1000; i++) {
      disjointness.areDisjoint(one, other);
    }
    assertThat(disjointness.areDisjoint(one, other)).isFalse();
  }

  /** Options within options: all pairs of them would be a thousand million. */
  @Test
  @Timeout(120)
  void givesUpInTime() {
    ObjectNode options = JSON.createObjectNode().put("type", "string");
    for (int depth = 0; depth < 15; depth++) {
      ObjectNode outer = JSON.createObjectNode();
      outer.putArray("anyOf").add(options).add(options);
      options = outer;
    }
    ObjectNode other = options;
    for (int i = 0; i < 3; i++) {
      assertThat(new Disjointness(schema -> schema).areDisjoint(options, other)).isFalse();
    }
  }
}
