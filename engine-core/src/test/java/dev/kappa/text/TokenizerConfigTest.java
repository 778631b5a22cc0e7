package dev.kappa.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerConfigTest {

  @TempDir private Path directory;

  @Test
  void readsTokensWrittenAsStringsOrObjects() {
    TokenizerConfig config = TokenizerConfig.load(Tokenizers.directory("sentencepiece"));
    assertThat(config.specialTokens()).containsEntry("bos_token", "<s>");
    assertThat(config.specialToken("eos_token")).isEqualTo("</s>");
    assertThat(config.specialToken("pad_token")).isNull();
    assertThat(config.chatTemplates()).containsOnlyKeys("default", "tool_use");
    assertThat(TokenizerConfig.load(Tokenizers.directory("unigram")).specialToken("bos_token"))
        .isNull();
  }

  @Test
  void templateFilesGoBeforeTheConfiguration() throws IOException {
    write("tokenizer_config.json", "{\"chat_template\": \"config\", \"eos_token\": \"<e>\"}");
    assertThat(TokenizerConfig.load(directory).chatTemplates())
        .isEqualTo(Map.of("default", "config"));
    write("chat_template.json", "{\"chat_template\": \"legacy\"}");
    assertThat(TokenizerConfig.load(directory).chatTemplates())
        .isEqualTo(Map.of("default", "legacy"));
    write("chat_template.jinja", "file\n");
    Files.createDirectory(directory.resolve("additional_chat_templates"));
    write("additional_chat_templates/rag.jinja", "more");
    assertThat(TokenizerConfig.load(directory).chatTemplates())
        .isEqualTo(Map.of("default", "file\n", "rag", "more"));
  }

  @Test
  void specialTokensMapCountsWhereAddedTokensAreNotListed() throws IOException {
    write("special_tokens_map.json", "{\"bos_token\": \"<b>\", \"eos_token\": \"<x>\"}");
    write("tokenizer_config.json", "{\"eos_token\": {\"content\": \"<e>\"}, \"bos_token\": null}");
    assertThat(TokenizerConfig.load(directory).specialTokens())
        .isEqualTo(Map.of("bos_token", "<b>", "eos_token", "<x>"));
    write(
        "tokenizer_config.json",
        "{\"eos_token\": {\"content\": \"<e>\"}, \"added_tokens_decoder\": {}}");
    assertThat(TokenizerConfig.load(directory).specialTokens())
        .isEqualTo(Map.of("eos_token", "<e>"));
  }

  @Test
  void aDirectoryWithoutConfigurationHasNone() {
    assertThat(TokenizerConfig.load(directory)).isEqualTo(new TokenizerConfig(Map.of(), Map.of()));
  }

  @Test
  void namesTheFileThatIsBroken() throws IOException {
    write("tokenizer_config.json", "{\"bos_token\": ");
    assertThatThrownBy(() -> TokenizerConfig.load(directory))
        .isInstanceOf(TextException.class)
        .hasMessageContaining(directory.resolve("tokenizer_config.json") + " is not JSON");
  }

  private void write(String name, String content) throws IOException {
    Files.writeString(directory.resolve(name), content);
  }
}
