package dev.kappa.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.gguf.GgufWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Vocabularies in GGUF files give the ids of the tokenizers that they come from; {@code
 * make_gguf.py} made the files.
 */
class GgufTokenizerTest {

  @TempDir private Path directory;

  private static Path file(String name) {
    return Tokenizers.resource("/gguf/tokenizers/" + name + ".gguf");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bytelevel", "qwen", "sentencepiece"})
  void encodesAndDecodesAsTheOriginal(String name) {
    Tokenizers.checkAgainstPython(name, file(name));
  }

  @Test
  void mergesByScoreAsSentencePieceDoes() {
    Path reference = Tokenizers.resource("/gguf/tokenizers/trained.json");
    JsonNode texts = JsonMapper.builder().build().readTree(reference).path("texts");
    assertThat(texts).hasSizeGreaterThan(40);
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(file("trained"))) {
      for (JsonNode text : texts) {
        String input = text.path("text").asString();
        int[] ids = Tokenizers.ints(text.path("ids"));
        assertThat(tokenizer.encode(input, false)).as(input).isEqualTo(ids);
      }
    }
  }

  @Test
  void readsSpecialTokensAndTemplates() {
    Path model = Tokenizers.resource("/gguf/qwen2-q4_0/model.gguf");
    TokenizerConfig config = TokenizerConfig.load(model);
    assertThat(config.specialToken("eos_token")).isEqualTo("<|end|>");
    assertThat(config.specialToken("pad_token")).isEqualTo("<|endoftext|>");
    assertThat(config.specialToken("unk_token")).isNull();
    ChatTemplate template = Objects.requireNonNull(ChatTemplate.load(model));
    assertThat(template.render(List.of(ChatTemplate.message("user", "Hi")), true, Map.of()))
        .isEqualTo("<|user|>Hi<|end|><|assistant|>");
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(model)) {
      // What fills the vocabulary up is no entry.
      assertThat(tokenizer.vocabularySize()).isEqualTo(507);
      assertThat(tokenizer.tokenText(510)).isEmpty();
      assertThat(tokenizer.isSpecial(504)).isTrue();
      assertThat(tokenizer.isSpecial(505)).isFalse();
    }
    assertThat(ChatTemplate.load(file("qwen"))).isNull();
  }

  private static GgufWriter vocabulary() {
    return new GgufWriter()
        .text("tokenizer.ggml.model", "gpt2")
        .texts("tokenizer.ggml.tokens", List.of("a", "b", "ab", "<s>"))
        .uint32s("tokenizer.ggml.token_type", 1, 1, 1, 3);
  }

  @Test
  void namedTemplatesAreForWhatTheyAreNamedAfter() {
    Path file =
        vocabulary()
            .text("tokenizer.chat_template", "plain")
            .text("tokenizer.chat_template.tool_use", "tools")
            .write(directory.resolve("v.gguf"));
    assertThat(TokenizerConfig.load(file).chatTemplates())
        .isEqualTo(Map.of("default", "plain", "tool_use", "tools"));
  }

  @ParameterizedTest
  @CsvSource({"3,<s>", "4,", "-1,"})
  void takesNoPaddingThatIsNoToken(int id, @Nullable String token) {
    Path file =
        vocabulary()
            .uint32("tokenizer.ggml.padding_token_id", id)
            .write(directory.resolve("v.gguf"));
    assertThat(TokenizerConfig.load(file).specialToken("pad_token")).isEqualTo(token);
  }

  @Test
  void addsWhatTheFileSaysAroundTexts() {
    GgufWriter writer =
        vocabulary()
            .text("tokenizer.ggml.pre", "gpt-2")
            .texts("tokenizer.ggml.merges", List.of("a b"))
            .uint32("tokenizer.ggml.bos_token_id", 3)
            .uint32("tokenizer.ggml.eos_token_id", 3);
    assertEncoded(writer, 2);
    assertEncoded(writer.flag("tokenizer.ggml.add_bos_token", true), 3, 2);
    assertEncoded(writer.flag("tokenizer.ggml.add_eos_token", true), 3, 2, 3);
  }

  private void assertEncoded(GgufWriter writer, int... ids) {
    Path file = writer.write(directory.resolve("v.gguf"));
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(file)) {
      assertThat(tokenizer.encode("ab", true)).isEqualTo(ids);
      assertThat(tokenizer.encode("ab", false)).containsExactly(2);
    }
  }

  @Test
  void saysWhatIsMissingOrUnknown() {
    GgufWriter other = new GgufWriter().text("tokenizer.ggml.model", "bert");
    assertRefused(new GgufWriter(), "\"tokenizer.ggml.model\" is missing");
    assertRefused(other, "\"bert\"; expected \"gpt2\" (byte-level BPE) or \"llama\"");
    assertRefused(
        vocabulary(),
        "\"tokenizer.ggml.pre\" is missing; expected one of deepseek-r1-qwen, default");
    GgufWriter known = vocabulary().text("tokenizer.ggml.pre", "qwen2");
    assertRefused(known, "\"tokenizer.ggml.merges\" is missing");
    assertRefused(known.texts("tokenizer.ggml.merges", List.of("ab")), "merges[0]");
    assertRefused(
        vocabulary().text("tokenizer.ggml.pre", "chatglm-bpe"), "\"chatglm-bpe\"", "qwen2, smollm");
    assertRefused(
        new GgufWriter()
            .text("tokenizer.ggml.model", "llama")
            .texts("tokenizer.ggml.tokens", List.of("a", "a")),
        "\"a\" twice");
    assertRefused(
        new GgufWriter()
            .text("tokenizer.ggml.model", "llama")
            .texts("tokenizer.ggml.tokens", List.of("a", "b"))
            .floats("tokenizer.ggml.scores", 1),
        "\"tokenizer.ggml.scores\"",
        "2 numbers");
    assertRefused(
        known.uint32("tokenizer.ggml.bos_token_id", 9).flag("tokenizer.ggml.add_bos_token", true),
        "bos_token_id",
        "one of 4 tokens");
  }

  private void assertRefused(GgufWriter writer, String... messages) {
    Path file = writer.write(directory.resolve("v.gguf"));
    var thrown =
        assertThatThrownBy(() -> HuggingFaceTokenizer.load(file))
            .isInstanceOf(TextException.class)
            .hasMessageContaining(file.toString());
    for (String message : messages) {
      thrown.hasMessageContaining(message);
    }
  }
}
