package dev.kappa.grammar;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Schema;
import dev.kappa.text.Tokenizer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Whatever is supported, however combined: what a model writes satisfies a validator. */
class RandomSchemasTest {

  private static final int SCHEMAS = 400;
  private static final int OUTPUTS = 4;
  private static final JsonMapper JSON = new JsonMapper();
  private static final Tokenizer WORDS = Vocabularies.of(2000, 3);
  private static final Grammars GRAMMARS = new Grammars(WORDS, WORDS.vocabularySize());

  private static final List<String> PATTERNS =
      List.of("^[a-f]{2,4}$", "a|b+", "^(x|yz)*$", "^\\d+$", "^[^\\w\\s]", "^.{0,3}$", "\\.[ab]?");
  private static final List<String> FORMATS =
      List.of("date", "time", "date-time", "duration", "uuid", "ipv4", "ipv6", "hostname", "crate");

  /** Makes schemas; those within others are smaller. */
  private record Maker(Random random) {

    ObjectNode schema(int depth) {
      int kinds = depth > 0 ? 9 : 5;
      return switch (random.nextInt(kinds)) {
        case 0 -> number("integer");
        case 1 -> number("number");
        case 2 -> string();
        case 3 -> simple();
        case 4 -> constants();
        case 5 -> array(depth);
        case 6 -> options("anyOf", depth);
        case 7 -> options("oneOf", depth);
        default -> object(depth);
      };
    }

    private ObjectNode simple() {
      ObjectNode schema = JSON.createObjectNode();
      return switch (random.nextInt(3)) {
        case 0 -> schema.put("type", "boolean");
        case 1 -> schema.put("type", "null");
        default -> {
          schema.putArray("type").add("string").add("integer");
          yield schema.put("maxLength", 3).put("minimum", random.nextInt(-9, 9));
        }
      };
    }

    private ObjectNode number(String type) {
      ObjectNode schema = JSON.createObjectNode().put("type", type);
      int scale = type.equals("integer") ? 0 : random.nextInt(4);
      double low = random.nextInt(-2000, 2000) / Math.pow(10, scale);
      if (random.nextBoolean()) {
        schema.put(random.nextBoolean() ? "minimum" : "exclusiveMinimum", low);
      }
      if (random.nextBoolean()) {
        double high = low + 1 + random.nextInt(100);
        schema.put(random.nextBoolean() ? "maximum" : "exclusiveMaximum", high);
      }
      if (type.equals("integer") && random.nextInt(3) == 0) {
        schema.put("multipleOf", random.nextInt(1, 30));
      }
      return schema;
    }

    private ObjectNode string() {
      ObjectNode schema = JSON.createObjectNode().put("type", "string");
      switch (random.nextInt(4)) {
        case 0 -> schema.put("pattern", PATTERNS.get(random.nextInt(PATTERNS.size())));
        case 1 -> schema.put("format", FORMATS.get(random.nextInt(FORMATS.size())));
        case 2 ->
            schema.put("minLength", random.nextInt(3)).put("maxLength", 2 + random.nextInt(9));
        default -> {}
      }
      return schema;
    }

    private ObjectNode constants() {
      ObjectNode schema = JSON.createObjectNode();
      if (random.nextBoolean()) {
        return schema.put("const", random.nextInt(5));
      }
      schema.putArray("enum").add("k" + random.nextInt(4)).add(random.nextInt(9)).addNull();
      return schema;
    }

    private ObjectNode array(int depth) {
      ObjectNode schema = JSON.createObjectNode().put("type", "array");
      if (random.nextInt(3) == 0) {
        ArrayNode prefix = schema.putArray("prefixItems");
        for (int i = random.nextInt(3); i >= 0; i--) {
          prefix.add(schema(depth - 1));
        }
      }
      schema.set("items", schema(depth - 1));
      int least = random.nextInt(3);
      return schema.put("minItems", least).put("maxItems", least + random.nextInt(4));
    }

    private ObjectNode options(String keyword, int depth) {
      ObjectNode schema = JSON.createObjectNode();
      ArrayNode options = schema.putArray(keyword);
      for (int i = random.nextInt(3); i >= 0; i--) {
        options.add(schema(depth - 1));
      }
      return schema;
    }

    private ObjectNode object(int depth) {
      ObjectNode schema = JSON.createObjectNode().put("type", "object");
      ObjectNode properties = schema.putObject("properties");
      ArrayNode required = schema.putArray("required");
      for (int i = random.nextInt(4); i >= 0; i--) {
        String name = "p" + random.nextInt(6);
        properties.set(name, schema(depth - 1));
        if (random.nextBoolean()
            && !required.valueStream().anyMatch(n -> n.asString().equals(name))) {
          required.add(name);
        }
      }
      switch (random.nextInt(3)) {
        case 0 -> schema.put("additionalProperties", false);
        case 1 -> schema.set("additionalProperties", schema(0));
        default -> {}
      }
      return schema;
    }
  }

  @Test
  void outputsSatisfyTheirSchema() {
    int refused = 0;
    int overlapping = 0;
    for (int seed = 0; seed < SCHEMAS; seed++) {
      ObjectNode schema = new Maker(new Random(seed)).schema(3);
      Grammar grammar;
      try {
        grammar = GRAMMARS.schema(schema);
      } catch (GrammarException e) {
        refused++;
        overlapping += String.valueOf(e.getMessage()).startsWith("oneOf") ? 1 : 0;
        continue;
      }
      Schema validator = GrammarTest.validator(schema.toString());
      for (int output = 0; output < OUTPUTS; output++) {
        List<Integer> tokens = GrammarTest.write(grammar, WORDS, new Random(output));
        String text = Vocabularies.text(WORDS, tokens);
        JsonNode value = JSON.readTree(text);
        assertThat(validator.validate(value))
            .as("schema %d %s, output %d: %s", seed, schema, output, text)
            .isEmpty();
      }
    }
    // The others: nothing satisfies them, or they put a length beside a pattern.
    assertThat(refused).isBetween(1, SCHEMAS / 4);
    assertThat(overlapping).isPositive();
  }
}
