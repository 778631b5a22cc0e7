package dev.kappa.grammar;

import dev.kappa.text.TokenDecoder;
import dev.kappa.text.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;

/** Tokenizers whose tokens are any given texts. */
final class Vocabularies {

  private static final String[] SYLLABLES = {
    "a", "e", "i", "o", "na", "ko", "the", "ing", "er", "st", "é", "ü", "日", "本", "😀", "n", "t"
  };
  private static final String[] MARKS = {
    "\"", "\",", "\":", "\": ", "\": \"", "{\"", "}", "},", "}}", "[", "]", "],", "[]", "{}",
    ", \"", "\n", "\n  ", "\n    ", ": ", "true", "false", "null", "123", "00", ".5", "-1", "e+",
    "\\n", "\\u", "\\\"", "  ", "\t"
  };

  private Vocabularies() {}

  /** Every byte, then marks of JSON, then words, all different, up to a size. */
  static Tokenizer of(int size, long seed) {
    List<byte[]> tokens = new ArrayList<>();
    for (int value = 0; value < 256; value++) {
      tokens.add(new byte[] {(byte) value});
    }
    Set<String> words = new LinkedHashSet<>(List.of(MARKS));
    Random random = new Random(seed);
    while (words.size() + 256 < size) {
      StringBuilder word = new StringBuilder(random.nextBoolean() ? " " : "");
      for (int i = random.nextInt(6); i >= 0; i--) {
        word.append(SYLLABLES[random.nextInt(SYLLABLES.length)]);
      }
      words.add(word.toString());
    }
    words.forEach(word -> tokens.add(word.getBytes(StandardCharsets.UTF_8)));
    return new Bytes(tokens);
  }

  /** Exactly these tokens. */
  static Tokenizer of(String... tokens) {
    List<byte[]> bytes = new ArrayList<>();
    for (String token : tokens) {
      bytes.add(token.getBytes(StandardCharsets.UTF_8));
    }
    return new Bytes(bytes);
  }

  static String text(Tokenizer tokenizer, List<Integer> tokens) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    tokens.forEach(token -> bytes.writeBytes(tokenizer.tokenBytes(token)));
    return bytes.toString(StandardCharsets.UTF_8);
  }

  private record Bytes(List<byte[]> tokens) implements Tokenizer {
    @Override
    public int vocabularySize() {
      return tokens.size();
    }

    @Override
    public byte[] tokenBytes(int token) {
      return tokens.get(token);
    }

    @Override
    public String tokenText(int token) {
      return new String(tokens.get(token), StandardCharsets.UTF_8);
    }

    @Override
    public int[] encode(String text, boolean addSpecialTokens) {
      throw new UnsupportedOperationException();
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
      throw new UnsupportedOperationException();
    }

    @Override
    public OptionalInt tokenId(String entry) {
      throw new UnsupportedOperationException();
    }

    @Override
    public TokenDecoder newDecoder(boolean skipSpecialTokens) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  }
}
