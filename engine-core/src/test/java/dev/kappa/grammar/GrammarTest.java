package dev.kappa.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SchemaRegistryConfig;
import com.networknt.schema.SpecificationVersion;
import dev.kappa.sample.Constraint.Cursor;
import dev.kappa.text.HuggingFaceTokenizer;
import dev.kappa.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class GrammarTest {

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private static final Tokenizer WORDS = Vocabularies.of(3000, 1);
  private static final Grammars GRAMMARS = new Grammars(WORDS, WORDS.vocabularySize());

  /** Longest output of the random model below. */
  private static final int PATIENCE = 20_000;

  static Stream<Schemas.Sample> samples() {
    return Schemas.all();
  }

  private static Grammar grammar(String schema) {
    return GRAMMARS.schema(JSON.readTree(schema));
  }

  /** There are 2^60 sequences of such references. */
  @Test
  @Timeout(120)
  void optionsMayReferToEachOtherInManyWays() {
    String twice = "{'anyOf':[{'$ref':'#/$defs/a'},{'$ref':'#/$defs/a'},{'type':'null'}]}";
    Grammar grammar =
        grammar(("{'$ref':'#/$defs/a','$defs':{'a':" + twice + "}}").replace('\'', '"'));
    assertThat(accepts(grammar, "null")).isTrue();
    assertThat(accepts(grammar, "nil")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"const\":1e999}",
        "{\"const\":{\"a\":[-1e999]}}",
        "{\"enum\":[1,1e999]}",
        "{\"oneOf\":[{\"$ref\":\"#/$defs/a\"},{\"const\":2}],\"$defs\":{\"a\":{\"const\":1e999}}}"
      })
  void constantsThatNoReaderCanHoldAreRefused(String schema) {
    assertThatThrownBy(() -> grammar(schema))
        .isInstanceOf(GrammarException.class)
        .hasMessageContaining("has a number that is too large");
  }

  /** More values than an automaton follows paths. */
  @Test
  void noValueOfALongEnumIsLost() {
    List<String> values =
        IntStream.range(0, 3000).mapToObj(i -> "\"item %d\"".formatted(i)).toList();
    Grammar grammar = grammar("{\"enum\":" + values + "}");
    assertThat(values).allSatisfy(value -> assertThat(accepts(grammar, value)).isTrue());
    assertThat(accepts(grammar, "\"item 3000\"")).isFalse();
    assertThat(accepts(grammar, "\"item\"")).isFalse();
  }

  @Test
  void noPropertyOfALargeObjectIsLost() {
    String properties =
        IntStream.range(0, 1500)
            .mapToObj(i -> "\"p%d\":{\"type\":\"null\"}".formatted(i))
            .collect(Collectors.joining(","));
    Grammar grammar = grammar("{\"type\":\"object\",\"properties\":{" + properties + "}}");
    assertThat(accepts(grammar, "{\"p0\":null}")).isTrue();
    assertThat(accepts(grammar, "{\"p7\":null,\"p1499\":null}")).isTrue();
    assertThat(accepts(grammar, "{\"p1499\":null}")).isTrue();
    assertThat(accepts(grammar, "{\"p1500\":null}")).isFalse();
  }

  /** Whether a text is in the language, written byte by byte: those are the first 256 tokens. */
  private static boolean accepts(Grammar grammar, String text) {
    Cursor cursor = grammar.begin();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      int token = b & 0xff;
      if (!isSet(cursor.allowed(), token)) {
        return false;
      }
      cursor.accept(token);
    }
    return cursor.mayEnd();
  }

  private static boolean isSet(long[] mask, int token) {
    return (mask[token >> 6] & 1L << token) != 0;
  }

  @ParameterizedTest
  @MethodSource("samples")
  void acceptsWhatSatisfiesTheSchemaAndNothingElse(Schemas.Sample sample) {
    Grammar grammar = grammar(sample.schema());
    assertThat(sample.good()).allSatisfy(text -> assertThat(accepts(grammar, text)).isTrue());
    assertThat(sample.bad()).allSatisfy(text -> assertThat(accepts(grammar, text)).isFalse());
  }

  /**
   * A model that knows nothing: any allowed token is as likely as any other, but a third of the
   * time it prefers what closes things, as it would hardly come to an end otherwise.
   */
  static List<Integer> write(Grammar grammar, Tokenizer tokenizer, Random random) {
    Cursor cursor = grammar.begin();
    List<Integer> output = new ArrayList<>();
    while (!cursor.mustEnd() && output.size() < PATIENCE) {
      if (cursor.mayEnd() && random.nextInt(4) == 0) {
        return output;
      }
      List<Integer> allowed = new ArrayList<>();
      List<Integer> closing = new ArrayList<>();
      long[] mask = cursor.allowed();
      for (int token = 0; token < mask.length * 64; token++) {
        if (isSet(mask, token)) {
          allowed.add(token);
          String text = tokenizer.tokenText(token);
          if (text.startsWith("\"") || text.startsWith("]") || text.startsWith("}")) {
            closing.add(token);
          }
        }
      }
      assertThat(allowed.isEmpty() && !cursor.mayEnd()).as("no way on after " + output).isFalse();
      if (allowed.isEmpty()) {
        return output;
      }
      List<Integer> from = closing.isEmpty() || random.nextInt(3) > 0 ? allowed : closing;
      int token = from.get(random.nextInt(from.size()));
      cursor.accept(token);
      output.add(token);
    }
    String begun = Vocabularies.text(tokenizer, output.subList(0, Math.min(100, output.size())));
    assertThat(output.size()).as("tokens until the end of " + begun).isLessThan(PATIENCE);
    return output;
  }

  @ParameterizedTest
  @MethodSource("samples")
  void whateverTheModelWritesSatisfiesTheSchema(Schemas.Sample sample) {
    assertOutputsAreValid(sample, GRAMMARS, WORDS, 60);
  }

  @ParameterizedTest
  @MethodSource("samples")
  void soItIsWithATrainedVocabulary(Schemas.Sample sample) {
    Path model = Path.of(System.getProperty("basedir", "."), "..", "models", "haystack");
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(model)) {
      Grammars grammars = new Grammars(tokenizer, tokenizer.vocabularySize());
      assertOutputsAreValid(sample, grammars, tokenizer, 15);
    }
  }

  /** One that takes formats seriously. */
  static Schema validator(String schema) {
    return SchemaRegistry.withDefaultDialect(
            SpecificationVersion.DRAFT_2020_12,
            builder ->
                builder.schemaRegistryConfig(
                    SchemaRegistryConfig.builder().formatAssertionsEnabled(true).build()))
        .getSchema(JSON.readTree(schema));
  }

  private static void assertOutputsAreValid(
      Schemas.Sample sample, Grammars grammars, Tokenizer tokenizer, int outputs) {
    Grammar grammar = grammars.schema(JSON.readTree(sample.schema()));
    var validator = validator(sample.schema());
    for (int seed = 0; seed < outputs; seed++) {
      List<Integer> tokens = write(grammar, tokenizer, new Random(seed));
      String text = Vocabularies.text(tokenizer, tokens);
      JsonNode value = JSON.readTree(text);
      assertThat(validator.validate(value)).as("seed %d: %s", seed, text).isEmpty();
    }
  }

  /** The validator refuses what is no registered domain, which is not a matter of grammar. */
  @Test
  void mailAddressesAreThoseOfTheirStandard() {
    Grammar grammar = grammar("{\"type\":\"string\",\"format\":\"email\"}");
    assertThat(accepts(grammar, "\"ada.l+x@mail.example.org\"")).isTrue();
    assertThat(accepts(grammar, "\"a@b.museum\"")).isTrue();
    for (String bad : List.of("a", "a@", "@b.org", ".a@b.org", "a..b@c.org", "a@b", "a@-b.org")) {
      assertThat(accepts(grammar, '"' + bad + '"')).as(bad).isFalse();
    }
    // RFC 5321, 4.1.2 and 4.5.3.1.
    String atom = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+";
    String label = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
    Pattern address =
        Pattern.compile(
            "(?=.{3,254}$)(?=[^@]{1,64}@)%s(\\.%s)*@%s(\\.%s)+"
                .formatted(atom, atom, label, label));
    for (int seed = 0; seed < 200; seed++) {
      String text = Vocabularies.text(WORDS, write(grammar, WORDS, new Random(seed))).strip();
      assertThat(text.substring(1, text.length() - 1)).matches(address);
    }
  }

  @ParameterizedTest
  @MethodSource("samples")
  void theMaskIsWhatEachTokenAloneWouldBeAllowed(Schemas.Sample sample) {
    Automaton automaton = automaton(sample.schema());
    TokenTrie trie = new TokenTrie(WORDS, WORDS.vocabularySize());
    Random random = new Random(5);
    Automaton.Place place = automaton.start();
    for (int i = 0; i < 40 && !place.isLast(); i++) {
      long[] mask = trie.follow(automaton, place);
      List<Integer> allowed = new ArrayList<>();
      for (int token = 0; token < WORDS.vocabularySize(); token++) {
        Automaton.Place end = place;
        for (byte b : WORDS.tokenBytes(token)) {
          end = automaton.next(end, b & 0xff);
        }
        assertThat(isSet(mask, token)).isEqualTo(end != Automaton.NOWHERE);
        if (end != Automaton.NOWHERE) {
          allowed.add(token);
        }
      }
      for (byte b : WORDS.tokenBytes(allowed.get(random.nextInt(allowed.size())))) {
        place = automaton.next(place, b & 0xff);
      }
    }
  }

  private static Automaton automaton(String schema) {
    NetworkBuilder builder =
        new NetworkBuilder(new TokenTrie(WORDS, WORDS.vocabularySize()).alphabet());
    NetworkBuilder.Rule root = builder.rule();
    JsonRules rules = new JsonRules(builder);
    builder.epsilon(
        new SchemaCompiler(builder, rules, JSON.readTree(schema)).compile(root.start()),
        root.end());
    return new Automaton(builder.build(root));
  }

  @Test
  void nestingEndsWhereItMust() {
    Grammar grammar =
        grammar(
            "{\"$ref\":\"#/$defs/l\",\"$defs\":{\"l\":{\"type\":\"array\","
                + "\"items\":{\"$ref\":\"#/$defs/l\"}}}}");
    Cursor cursor = grammar.begin();
    int opened = 0;
    while (isSet(cursor.allowed(), '[')) {
      cursor.accept('[');
      opened++;
    }
    assertThat(opened).isBetween(50, Automaton.MAX_DEPTH + 1);
    for (int i = 0; i < opened; i++) {
      cursor.accept(']');
    }
    assertThat(cursor.mustEnd()).isTrue();
  }

  @Test
  void nestingLeavesRoomForWhatMustFollow() {
    // Every node needs two more levels below it before it may end.
    Grammar grammar =
        grammar(
            """
            {"$ref":"#/$defs/n","$defs":{
              "n":{"type":"object","properties":{
                "next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]},
                "deep":{"$ref":"#/$defs/a"}},"required":["next","deep"]},
              "a":{"type":"array","minItems":1,"items":{"$ref":"#/$defs/b"}},
              "b":{"type":"array","minItems":1,"items":{"type":"integer"}}}}
            """);
    Cursor cursor = grammar.begin();
    int opened = 0;
    String next = "{\"next\":";
    while (tryWrite(cursor, next)) {
      opened++;
    }
    assertThat(opened).isGreaterThan(20);
    assertThat(tryWrite(cursor, "null,\"deep\":[[1]]}")).isTrue();
    for (int i = 1; i < opened; i++) {
      assertThat(tryWrite(cursor, ",\"deep\":[[1]]}")).isTrue();
    }
    assertThat(cursor.mustEnd()).isTrue();
  }

  /** Writes a text if its first byte is allowed; then all of it must be. */
  private static boolean tryWrite(Cursor cursor, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < bytes.length; i++) {
      if (!isSet(cursor.allowed(), bytes[i])) {
        assertThat(i).as("allowed bytes of " + text).isZero();
        return false;
      }
      cursor.accept(bytes[i]);
    }
    return true;
  }

  @Test
  void writesOnlyWhatTheVocabularyHasByteByByte() {
    Tokenizer few = Vocabularies.of("{", "}", "\"", ":", "a", "b", "ab", "bc", "c\"");
    Grammars grammars = new Grammars(few, few.vocabularySize());
    Grammar map =
        grammars.schema(
            JSON.readTree("{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}"));
    Cursor cursor = map.begin();
    assertThat(cursor.allowed()).containsExactly(0b000000001L);
    cursor.accept(0);
    cursor.accept(2);
    assertThat(cursor.allowed()).as("all but bc and c\"").containsExactly(0b001111111L);
    assertThatThrownBy(() -> grammars.schema(JSON.readTree("{\"type\":\"array\"}")))
        .isInstanceOf(GrammarException.class)
        .hasMessageContaining("no JSON that the model can write");
  }

  @Test
  void specialTokensAreNoText() {
    Path model = Path.of(System.getProperty("basedir", "."), "..", "models", "haystack");
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(model)) {
      Cursor cursor =
          new Grammars(tokenizer, tokenizer.vocabularySize())
              .schema(JSON.readTree("{\"type\":\"string\"}"))
              .begin();
      cursor.accept(tokenizer.tokenId("\"").orElseThrow());
      assertThat(isSet(cursor.allowed(), tokenizer.tokenId("<|end|>").orElseThrow())).isFalse();
      assertThat(isSet(cursor.allowed(), tokenizer.tokenId("<").orElseThrow())).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"type":"integer","minimum":"3"}                        | minimum
          {"type":"number","maximum":1e400}                       | maximum
          {"type":"number","exclusiveMaximum":0.1234567890123456} | exclusiveMaximum
          {"type":"integer","multipleOf":1001}                    | multipleOf
          {"type":"number","multipleOf":0.3}                      | multipleOf
          {"type":"number","multipleOf":0}                        | multipleOf
          {"properties":{"a":{"type":"string","pattern":"a(?=b)"}}}| properties.a.pattern
          {"type":"string","pattern":"x+","maxLength":5}          | maxLength
          {"type":"string","pattern":"^x?$","minLength":1}        | minLength
          {"type":"string","pattern":"^x$","format":"date"}       | format
          {"type":"string","format":3}                            | format
          {"oneOf":[{"type":"integer"},{"type":"number"}]}        | oneOf
          {"oneOf":[{"type":"string"},{"type":"string","maxLength":3}]}| oneOf
          {"oneOf":[{"properties":{"k":{"const":1}},"required":["k"]},{"properties":{"k":{"const":2}}}]}| oneOf
          {"not":{}}                                              | not
          {"allOf":[{},{}]}                                       | allOf
          {"anyOf":[{},{"contains":2}]}                           | anyOf[1].contains
          {"anyOf":[{}],"type":"string"}                          | type
          {"$ref":"#/x"}                                          | $ref
          {"$ref":"other.json"}                                   | $ref
          {"$ref":"#/$defs/a","$defs":{"a":{"if":{}}}}            | $defs.a.if
          {"type":"array","uniqueItems":true}                     | uniqueItems
          {"type":"object","patternProperties":{}}                | patternProperties
          {"type":"float"}                                        | type
          {"type":"string","minLength":-1}                        | minLength
          {"type":"string","minLength":3,"maxLength":2}           | maxLength
          {"type":"array","minItems":3,"maxItems":2}              | maxItems
          {"properties":[]}                                       | properties
          {"properties":{"a":3}}                                  | properties.a
          {"required":["a"],"additionalProperties":false}         | required
          {"enum":3}                                              | enum
          {"enum":[1],"minimum":0}                                | minimum
          {"type":"array","prefixItems":[{},{"not":1}]}           | prefixItems[1].not
          {"type":"object","additionalProperties":{"pattern":"("}}| additionalProperties.pattern
          """)
  void namesTheKeywordThatIsNotSupported(String schema, String path) {
    assertThatThrownBy(() -> grammar(schema))
        .isInstanceOfSatisfying(GrammarException.class, e -> assertThat(e.path()).isEqualTo(path));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"$ref":"#"}
          {"enum":[]}
          {"type":"string","enum":[3]}
          {"type":"integer","minimum":3,"maximum":2}
          {"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":4}
          {"type":"integer","minimum":7,"maximum":9,"multipleOf":5}
          {"type":"number","minimum":0.123,"maximum":0.124,"multipleOf":0.1}
          {"type":"integer","minimum":1000000000000000}
          {"oneOf":[]}
          {"type":"object","properties":{"a":false},"required":["a"]}
          {"$ref":"#/$defs/a","$defs":{"a":{"properties":{"a":{"$ref":"#/$defs/a"}},"required":["a"]}}}
          """)
  void refusesSchemasThatNothingSatisfies(String schema) {
    assertThatThrownBy(() -> grammar(schema))
        .isInstanceOf(GrammarException.class)
        .hasMessageContaining("satisfies the schema");
  }

  @Test
  void longChainsOfReferencesAreNoTrouble() {
    int length = 5000;
    StringBuilder schema = new StringBuilder("{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
    for (int i = 0; i < length; i++) {
      schema.append("\"d%d\":{\"$ref\":\"#/$defs/d%d\"},".formatted(i, i + 1));
    }
    schema.append("\"d%d\":{\"type\":\"null\"}}}".formatted(length));
    assertThatThrownBy(() -> grammar(schema.toString()))
        .as("deeper than JSON may nest")
        .isInstanceOf(GrammarException.class);
  }

  @Test
  void refusesNamesThatAreTooLongToTellOthersApart() {
    String name = "n".repeat(20_000);
    assertThatThrownBy(() ->
            grammar("{\"properties\":{\"%s\":{}},\"additionalProperties\":true}".formatted(name)))
        .isInstanceOf(GrammarException.class)
        .hasMessageContaining("256 characters");
  }

  @Test
  void forgetsWithoutLosingItsPlace() {
    // More places than are remembered at a time: a string that counts, written twice.
    Grammar grammar = grammar("{\"type\":\"string\",\"maxLength\":9000}");
    for (int round = 0; round < 2; round++) {
      Cursor cursor = grammar.begin();
      cursor.accept('"');
      for (int i = 0; i < 9000; i++) {
        cursor.accept('x');
      }
      assertThat(isSet(cursor.allowed(), 'x')).isFalse();
      assertThat(isSet(cursor.allowed(), '"')).isTrue();
      cursor.accept('"');
      assertThat(cursor.mustEnd()).isTrue();
    }
  }

  @Test
  void refusesSchemasThatAreTooLarge() {
    assertThatThrownBy(() -> grammar("{\"type\":\"string\",\"maxLength\":2000000}"))
        .isInstanceOf(GrammarException.class)
        .hasMessageContaining("too large");
  }

  @Test
  void outlinesPutTextsAroundJson() {
    Outline call =
        new Outline.Sequence(
            new Outline.Text("<call>"),
            new Outline.Choice(
                List.of(
                    new Outline.Json(JSON.readTree("{\"type\":\"integer\"}"), ""),
                    new Outline.Json(JSON.readTree("{\"type\":\"null\"}"), ""))),
            new Outline.Text("</call>"));
    Grammar grammar = GRAMMARS.of(new Outline.Repeated(call, "\n"));
    assertThat(accepts(grammar, "<call>12</call>\n<call>null</call>")).isTrue();
    assertThat(accepts(grammar, "<call>12</call>")).isTrue();
    assertThat(accepts(grammar, "<call>12</call><call>1</call>")).isFalse();
    assertThat(accepts(grammar, "<call>true</call>")).isFalse();
    assertThat(accepts(grammar, "")).isFalse();
  }
}
