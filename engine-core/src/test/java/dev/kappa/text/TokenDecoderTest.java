package dev.kappa.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class TokenDecoderTest {

  @ParameterizedTest
  @MethodSource("dev.kappa.text.Tokenizers#names")
  void piecesOfRandomTokensJoinToTheWhole(String name) {
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory(name))) {
      for (long seed = 0; seed < 400; seed++) {
        Random random = new Random(seed);
        int[] tokens = new int[random.nextInt(60)];
        // Small ranges make runs of byte entries and of special tokens; ids past the end occur.
        int range = 1 + random.nextInt(tokenizer.vocabularySize() + 5);
        for (int i = 0; i < tokens.length; i++) {
          tokens[i] = random.nextInt(range);
        }
        checkPieces(tokenizer, tokens, "seed " + seed);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("dev.kappa.text.Tokenizers#names")
  void piecesOfRealTextJoinToTheWhole(String name) {
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory(name))) {
      for (JsonNode text : Tokenizers.expected(name).path("texts")) {
        int[] tokens = tokenizer.encode(text.path("text").asString(), true);
        checkPieces(tokenizer, tokens, text.path("text").asString());
      }
    }
  }

  /** Text cut at random bytes, so that characters begin and end anywhere in the sequence. */
  @ParameterizedTest
  @ValueSource(strings = {"bytelevel", "qwen", "sentencepiece", "metaspace", "gemma"})
  void piecesOfDamagedTextJoinToTheWhole(String name) {
    String text = "né 世界 😀👨‍👩‍👧 x\uFFFD ڂ 𠮷 ab ";
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory(name))) {
      int[] whole = tokenizer.encode(text.repeat(3), false);
      for (long seed = 0; seed < 300; seed++) {
        Random random = new Random(seed);
        int[] damaged =
            random.ints(0, whole.length).limit(40).sorted().map(i -> whole[i]).toArray();
        checkPieces(tokenizer, damaged, "seed " + seed);
      }
    }
  }

  /** Runs of single bytes, most of which are broken UTF-8 and some of which happen not to be. */
  @ParameterizedTest
  @ValueSource(strings = {"bytelevel", "sentencepiece", "metaspace", "gemma", "precompiled"})
  void piecesOfBytesJoinToTheWhole(String name) {
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory(name))) {
      int[] bytes = new int[256];
      for (int id = 0; id < tokenizer.vocabularySize(); id++) {
        byte[] value = tokenizer.tokenBytes(id);
        if (value.length == 1) {
          bytes[Byte.toUnsignedInt(value[0])] = id;
        }
      }
      byte[] text = "é€😀ß".getBytes(StandardCharsets.UTF_8);
      for (long seed = 0; seed < 500; seed++) {
        Random random = new Random(seed);
        int[] tokens = new int[1 + random.nextInt(16)];
        for (int i = 0; i < tokens.length; i++) {
          int chosen = random.nextInt(10);
          tokens[i] =
              chosen == 0
                  ? random.nextInt(tokenizer.vocabularySize())
                  : bytes[
                      chosen < 8
                          ? Byte.toUnsignedInt(text[(i + chosen / 7) % text.length])
                          : random.nextInt(256)];
        }
        checkPieces(tokenizer, tokens, "seed " + seed);
      }
    }
  }

  @Test
  void charactersComeWithTheTokenThatCompletesThem() {
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory("bytelevel"))) {
      int[] tokens = tokenizer.encode("🪿", false);
      assertThat(tokens.length).isGreaterThan(1);
      TokenDecoder decoder = tokenizer.newDecoder(false);
      for (int i = 0; i + 1 < tokens.length; i++) {
        assertThat(decoder.append(tokens[i])).isEmpty();
      }
      assertThat(decoder.append(tokens[tokens.length - 1])).isEqualTo("🪿");
      assertThat(decoder.finish()).isEmpty();
    }
  }

  @Test
  void wordsComeAtOnceWithTheirSpace() {
    for (String name : new String[] {"bytelevel", "sentencepiece", "unigram"}) {
      try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory(name))) {
        int[] tokens = tokenizer.encode("the ledger holds the names", false);
        TokenDecoder decoder = tokenizer.newDecoder(true);
        StringBuilder text = new StringBuilder();
        for (int token : tokens) {
          text.append(decoder.append(token));
        }
        assertThat(text).as(name).hasToString("the ledger holds the names");
        assertThat(decoder.finish()).isEmpty();
      }
    }
  }

  @Test
  void costPerTokenDoesNotGrowWithTheSequence() {
    try (Tokenizer tokenizer = HuggingFaceTokenizer.load(Tokenizers.directory("sentencepiece"))) {
      int[] tokens = tokenizer.encode("the ledger holds names ".repeat(8_000), false);
      TokenDecoder decoder = tokenizer.newDecoder(true);
      long start = System.nanoTime();
      for (int token : tokens) {
        decoder.append(token);
      }
      // Decoding all so far at each of 10^5 tokens would take many minutes.
      assertThat(tokens.length).isGreaterThan(50_000);
      assertThat((System.nanoTime() - start) / 1e9).isLessThan(120);
    }
  }

  private static void checkPieces(Tokenizer tokenizer, int[] tokens, String what) {
    for (boolean skip : new boolean[] {false, true}) {
      String whole = tokenizer.decode(tokens, skip);
      TokenDecoder decoder = tokenizer.newDecoder(skip);
      List<String> pieces = new ArrayList<>();
      for (int token : tokens) {
        pieces.add(decoder.append(token));
      }
      pieces.add(decoder.finish());
      assertThat(String.join("", pieces)).as("%s, skip %s", what, skip).isEqualTo(whole);
      int at = 0;
      for (String piece : pieces) {
        at += piece.length();
        boolean inside =
            at > 0
                && at < whole.length()
                && Character.isSurrogatePair(whole.charAt(at - 1), whole.charAt(at));
        assertThat(inside).as("%s: piece ends within a character", what).isFalse();
      }
    }
  }
}
