package dev.kappa.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.sample.Constraint.Cursor;
import dev.kappa.text.Tokenizer;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Numbers with limits: what the grammar takes is what arithmetic says, number by number. */
class NumberRangesTest {

  private static final JsonMapper JSON = new JsonMapper();
  private static final Tokenizer BYTES = Vocabularies.of(300, 1);
  private static final Grammars GRAMMARS = new Grammars(BYTES, BYTES.vocabularySize());

  private static boolean accepts(Grammar grammar, String text) {
    Cursor cursor = grammar.begin();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      if ((cursor.allowed()[b >> 6] & 1L << b) == 0) {
        return false;
      }
      cursor.accept(b);
    }
    return cursor.mayEnd();
  }

  private static @Nullable Grammar grammarOrNull(ObjectNode schema) {
    try {
      return GRAMMARS.schema(schema);
    } catch (GrammarException e) {
      assertThat(e).hasMessageContaining("satisfies the schema");
      return null;
    }
  }

  private static boolean holds(ObjectNode schema, BigDecimal value) {
    boolean holds = true;
    for (String keyword : schema.propertyNames()) {
      if (keyword.equals("type")) {
        continue;
      }
      BigDecimal limit = schema.get(keyword).decimalValue();
      int order = value.compareTo(limit);
      holds &=
          switch (keyword) {
            case "minimum" -> order >= 0;
            case "exclusiveMinimum" -> order > 0;
            case "maximum" -> order <= 0;
            case "exclusiveMaximum" -> order < 0;
            default -> value.remainder(limit).signum() == 0;
          };
    }
    return holds;
  }

  private static void check(ObjectNode schema, String text) {
    Grammar grammar = grammarOrNull(schema);
    boolean accepted = grammar != null && accepts(grammar, text);
    assertThat(accepted).as("%s: %s", schema, text).isEqualTo(holds(schema, new BigDecimal(text)));
  }

  @Test
  void everyIntegerOfAStretch() {
    Random random = new Random(1);
    for (int i = 0; i < 60; i++) {
      ObjectNode schema = JSON.createObjectNode().put("type", "integer");
      int low = random.nextInt(-250, 250);
      int high = low + random.nextInt(-3, 200);
      schema.put(random.nextBoolean() ? "minimum" : "exclusiveMinimum", low);
      if (random.nextInt(4) > 0) {
        schema.put(random.nextBoolean() ? "maximum" : "exclusiveMaximum", high);
      }
      if (random.nextInt(3) == 0) {
        schema.put("multipleOf", random.nextInt(1, 40));
      }
      Grammar grammar = grammarOrNull(schema);
      for (int value = -1100; value <= 1100; value++) {
        String text = Integer.toString(value);
        boolean accepted = grammar != null && accepts(grammar, text);
        assertThat(accepted)
            .as("%s: %s", schema, text)
            .isEqualTo(holds(schema, new BigDecimal(value)));
      }
    }
  }

  /** Limits with some digits behind the point, and numbers near them. */
  @Test
  void decimalsNearTheirLimits() {
    Random random = new Random(2);
    for (int i = 0; i < 4000; i++) {
      ObjectNode schema = JSON.createObjectNode().put("type", "number");
      BigDecimal low = decimal(random);
      BigDecimal high = low.add(decimal(random).abs());
      schema.put(random.nextBoolean() ? "minimum" : "exclusiveMinimum", low);
      if (random.nextBoolean()) {
        schema.put(random.nextBoolean() ? "maximum" : "exclusiveMaximum", high);
      }
      if (random.nextInt(4) == 0) {
        schema.put("multipleOf", BigDecimal.ONE.movePointLeft(random.nextInt(4)));
      }
      BigDecimal near = random.nextBoolean() ? low : high;
      BigDecimal off = decimal(random).movePointLeft(random.nextInt(5));
      BigDecimal value =
          switch (random.nextInt(3)) {
            case 0 -> near;
            case 1 -> near.add(off);
            default -> near.setScale(near.scale() + random.nextInt(3));
          };
      if (schema.has("multipleOf")) {
        // Multiples are written in one way.
        value = value.stripTrailingZeros();
      }
      if (value.signum() != 0 || !value.toPlainString().startsWith("-")) {
        check(schema, value.toPlainString());
      }
    }
  }

  private static BigDecimal decimal(Random random) {
    return BigDecimal.valueOf(random.nextInt(-30_000, 30_000), random.nextInt(0, 5));
  }

  @Test
  void limitsBeyondAllDigits() {
    ObjectNode schema = JSON.createObjectNode().put("type", "integer");
    schema.put("minimum", new BigDecimal("-1e300")).put("maximum", new BigDecimal("1e20"));
    check(schema, "999999999999999");
    check(schema, "-999999999999999");
    check(schema, "0");
    schema = JSON.createObjectNode().put("type", "number");
    schema.put("minimum", new BigDecimal("1e-300"));
    check(schema, "0");
    check(schema, "0.0001");
  }

  /** 15 digits in all, which doubles tell apart. */
  @Test
  void noMoreDigitsThanADoubleHas() {
    Grammar grammar =
        GRAMMARS.schema(JSON.createObjectNode().put("type", "number").put("minimum", 0));
    assertThat(accepts(grammar, "123456.789012345")).isTrue();
    assertThat(accepts(grammar, "123456.7890123456")).isFalse();
    assertThat(accepts(grammar, "0.12345678901234")).isTrue();
    assertThat(accepts(grammar, "0.123456789012345")).isFalse();
  }
}
