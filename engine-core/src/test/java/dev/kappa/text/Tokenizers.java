package dev.kappa.text;

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
}
