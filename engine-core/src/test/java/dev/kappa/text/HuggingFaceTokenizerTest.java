package dev.kappa.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class HuggingFaceTokenizerTest {

  @ParameterizedTest
  @MethodSource("dev.kappa.text.Tokenizers#names")
  void encodesAndDecodesAsPythonDoes(String name) {
    Tokenizers.checkAgainstPython(name, Tokenizers.directory(name));
  }

  @ParameterizedTest
  @MethodSource("dev.kappa.text.Tokenizers#names")
  void neitherTruncatesNorPads(String name) {
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory(name))) {
      int[] once = tokenizer.encode("1 2 3 4 5 6 7 8 9 0 ", false);
      assertThat(once.length).isBetween(10, 31);
      int[] often = tokenizer.encode("1 2 3 4 5 6 7 8 9 0 ".repeat(6_000), false);
      assertThat(often.length).isBetween(50_000, once.length * 6_000);
      assertThat(tokenizer.decode(often, true).strip())
          .isEqualTo("1 2 3 4 5 6 7 8 9 0 ".repeat(6_000).strip());
    }
  }

  @ParameterizedTest
  @MethodSource("dev.kappa.text.Tokenizers#names")
  void loneSurrogatesCountAsReplacementCharacters(String name) {
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory(name))) {
      assertThat(tokenizer.encode("a\uD83Db\uDE00 😀\uD83D", false))
          .isEqualTo(tokenizer.encode("a\uFFFDb\uFFFD 😀\uFFFD", false));
    }
  }

  @Test
  void writesTokensAsTheTextTheyStandFor() {
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory("bytelevel"))) {
      assertThat(text(tokenizer, "Ġthe")).isEqualTo(" the");
      assertThat(text(tokenizer, "Ċ")).isEqualTo("\n");
      assertThat(text(tokenizer, "Ã")).isEqualTo("\uFFFD");
      assertThat(tokenizer.tokenBytes(id(tokenizer, "Ã"))).containsExactly(0xC3);
      assertThat(text(tokenizer, "<|user|>")).isEqualTo("<|user|>");
      assertThat(text(tokenizer, "<tool call>")).isEqualTo("<tool call>");
      assertThat(tokenizer.tokenText(1_000_000)).isEmpty();
      assertThat(tokenizer.tokenText(-1)).isEmpty();
      assertThat(tokenizer.tokenId("no such entry")).isEmpty();
    }
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory("sentencepiece"))) {
      assertThat(text(tokenizer, "▁▁")).isEqualTo("  ");
      assertThat(text(tokenizer, "<0x0A>")).isEqualTo("\n");
      assertThat(tokenizer.tokenBytes(id(tokenizer, "<0xE2>"))).containsExactly(0xE2);
      assertThat(text(tokenizer, "</s>")).isEqualTo("</s>");
    }
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory("unigram"))) {
      assertThat(text(tokenizer, "▁")).isEqualTo(" ");
      assertThat(tokenizer.tokenBytes(id(tokenizer, "世")))
          .isEqualTo("世".getBytes(StandardCharsets.UTF_8));
    }
  }

  @ParameterizedTest
  @MethodSource("dev.kappa.text.Tokenizers#names")
  void everyEntryIsFoundByItsId(String name) {
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory(name))) {
      long found =
          IntStream.range(0, tokenizer.vocabularySize())
              .filter(id -> tokenizer.tokenBytes(id).length > 0)
              .count();
      assertThat(found).isEqualTo(tokenizer.vocabularySize());
    }
  }

  @Test
  void canBeUsedFromManyThreads() throws InterruptedException, ExecutionException {
    String text = "The keeper holds the ledger. 你好 😀 ".repeat(50);
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory("bytelevel"));
        ExecutorService executor = Executors.newFixedThreadPool(4)) {
      int[] expected = tokenizer.encode(text, true);
      var results =
          executor.invokeAll(
              IntStream.range(0, 40)
                  .<java.util.concurrent.Callable<int[]>>mapToObj(
                      i -> () -> tokenizer.encode(text, true))
                  .toList());
      for (Future<int[]> result : results) {
        assertThat(result.get()).isEqualTo(expected);
      }
    }
  }

  @Test
  void refusesUseAfterClose() {
    Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory("bytelevel"));
    tokenizer.close();
    tokenizer.close();
    assertThatThrownBy(() -> tokenizer.encode("x", false))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void namesTheFileThatIsMissingOrBroken(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("tokenizer.json");
    assertThatThrownBy(() -> HuggingFaceTokenizer.load(directory))
        .isInstanceOf(TextException.class)
        .hasMessageContaining(file + " is missing");
    String whole = Files.readString(Tokenizers.directory("bytelevel").resolve("tokenizer.json"));
    for (String broken :
        new String[] {
          "",
          "{",
          "[]",
          "{}",
          "{\"model\": 3}",
          whole.substring(0, whole.length() / 2),
          whole.replace("\"BPE\"", "\"NoSuchModel\"")
        }) {
      Files.writeString(file, broken);
      assertThatThrownBy(() -> HuggingFaceTokenizer.load(directory))
          .as(broken)
          .isInstanceOf(TextException.class)
          .hasMessageContaining(file.toString());
    }
    Files.write(file, new byte[] {'{', '"', (byte) 0xC3, '"', '}'});
    assertThatThrownBy(() -> HuggingFaceTokenizer.load(directory))
        .isInstanceOf(TextException.class)
        .hasMessageContaining(file.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"tokenizer.model", "tekken.json", "vocab.txt"})
  void saysHowToConvertAnotherFormat(String other, @TempDir Path directory) throws IOException {
    Files.writeString(directory.resolve(other), "x");
    assertThatThrownBy(() -> HuggingFaceTokenizer.load(directory))
        .isInstanceOf(TextException.class)
        .hasMessageContaining(
            "tokenizer.json is missing; there is only %s, which transformers can convert"
                .formatted(other))
        .hasMessageContaining("t.from_pretrained('%1$s').save_pretrained('%1$s')", directory);
  }

  @Test
  void literalEncodingEndsWithTheTokenizer() {
    Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory("qwen"));
    assertThat(tokenizer.encodeLiterally("<|user|>")).hasSizeGreaterThan(1);
    tokenizer.close();
    assertThatThrownBy(() -> tokenizer.encodeLiterally("x"))
        .isInstanceOf(IllegalStateException.class);
  }

  private static int id(Tokenizer tokenizer, String entry) {
    return tokenizer.tokenId(entry).orElseThrow(() -> new AssertionError("no entry " + entry));
  }

  private static String text(Tokenizer tokenizer, String entry) {
    return tokenizer.tokenText(id(tokenizer, entry));
  }
}
