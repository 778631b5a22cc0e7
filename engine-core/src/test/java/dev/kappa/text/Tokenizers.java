package dev.kappa.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The tiny tokenizers among the test resources; see {@code make_tokenizers.py} there. */
final class Tokenizers {

  private Tokenizers() {}

  /** All of them. */
  static Stream<String> names() {
    return Stream.of(
        "bytelevel",
        "qwen",
        "sentencepiece",
        "metaspace",
        "gemma",
        "unigram",
        "precompiled",
        "albert",
        "wordpiece");
  }

  static Path directory(String name) {
    return resource("/tokenizers/" + name);
  }

  /** A test resource by its absolute name. */
  static Path resource(String name) {
    URL url = Objects.requireNonNull(Tokenizers.class.getResource(name), name);
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static JsonNode expected(String name) {
    Path file = directory(name).resolve("expected.json");
    return JsonMapper.builder().build().readTree(file);
  }

  static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asInt();
    }
    return values;
  }

  /** Encodes and decodes what Python's library did, with what that gave. */
  static void checkAgainstPython(String name, Path model) {
    JsonNode expected = expected(name);
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(model)) {
      assertThat(tokenizer.vocabularySize()).isEqualTo(expected.path("vocabularySize").asInt());
      assertThat(expected.path("texts")).hasSizeGreaterThan(40);
      for (JsonNode text : expected.path("texts")) {
        String input = text.path("text").asString();
        int[] ids = ints(text.path("idsWithSpecial"));
        assertThat(tokenizer.encode(input, false)).as(input).isEqualTo(ints(text.path("ids")));
        assertThat(tokenizer.encode(input, true)).as(input).isEqualTo(ids);
        assertThat(tokenizer.encodeLiterally(input))
            .as("%s, literally", input)
            .isEqualTo(ints(text.path(text.has("literalIds") ? "literalIds" : "ids")));
        checkDecoded(tokenizer, ids, text);
      }
      for (JsonNode random : expected.path("randomIds")) {
        checkDecoded(tokenizer, ints(random.path("ids")), random);
      }
    }
  }

  private static void checkDecoded(Tokenizer tokenizer, int[] ids, JsonNode expected) {
    assertThat(tokenizer.decode(ids, false)).isEqualTo(expected.path("decoded").asString());
    assertThat(tokenizer.decode(ids, true))
        .isEqualTo(expected.path("decodedWithoutSpecial").asString());
  }
}
