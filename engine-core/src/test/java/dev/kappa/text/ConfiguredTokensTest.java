package dev.kappa.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ConfiguredTokensTest {

  @TempDir Path directory;

  /** What {@code tokenizer_config.json} and its kin add, compared with transformers. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void joinThoseOfTheTokenizer(int model) throws IOException {
    Path file = Tokenizers.directory("bytelevel").resolveSibling("configured.json");
    JsonNode expected = JsonMapper.builder().build().readTree(file).path(model);
    for (Map.Entry<String, JsonNode> entry : expected.path("files").properties()) {
      write(entry.getKey(), entry.getValue().toString());
    }
    copyTokenizer();
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(directory)) {
      assertThat(tokenizer.vocabularySize()).isEqualTo(expected.path("vocabularySize").asInt());
      for (JsonNode text : expected.path("cases")) {
        String input = text.path("text").asString();
        int[] ids = tokenizer.encode(input, true);
        assertThat(ids).as(input).isEqualTo(Tokenizers.ints(text.path("ids")));
        assertThat(tokenizer.decode(ids, false)).isEqualTo(text.path("decoded").asString());
        assertThat(tokenizer.decode(ids, true))
            .isEqualTo(text.path("decodedWithoutSpecial").asString());
      }
      assertThat(tokenizer.tokenId("<|stop|>")).isPresent();
    }
    Map<String, String> special = TokenizerConfig.load(directory).specialTokens();
    expected
        .path("specialTokens")
        .properties()
        .forEach(entry ->
            assertThat(special).containsEntry(entry.getKey(), entry.getValue().asString()));
    assertThat(special).hasSize(expected.path("specialTokens").size());
  }

  @Test
  void withIdsThatAreNoneAreRefused() throws IOException {
    copyTokenizer();
    write("tokenizer_config.json", "{\"added_tokens_decoder\": {\"x1\": {\"content\": \"<a>\"}}}");
    assertThatThrownBy(() -> HuggingFaceTokenizer.load(directory))
        .isInstanceOf(TextException.class)
        .hasMessageContaining("'x1' in added_tokens_decoder");
  }

  private void copyTokenizer() throws IOException {
    Files.copy(
        Tokenizers.directory("bytelevel").resolve("tokenizer.json"),
        directory.resolve("tokenizer.json"));
  }

  private void write(String name, String content) throws IOException {
    Files.writeString(directory.resolve(name), content);
  }
}
