package dev.kappa.text;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * The tokenizer of a {@code tokenizer.json}, run by Hugging Face's own library. Thread-safe.
 *
 * <p>Texts are never truncated or padded, whatever the file says. Which special tokens are added
 * around a text is up to the file's post-processor alone: as in transformers 5, {@code
 * add_bos_token} and {@code add_eos_token} in {@code tokenizer_config.json} have no effect where
 * there is a {@code tokenizer.json}.
 */
public final class HuggingFaceTokenizer implements Tokenizer {

  private final NativeTokenizer tokenizer;
  private final Vocabulary vocabulary;

  private HuggingFaceTokenizer(NativeTokenizer tokenizer, Vocabulary vocabulary) {
    this.tokenizer = tokenizer;
    this.vocabulary = vocabulary;
  }

  /**
   * Loads {@code tokenizer.json} of a model directory.
   *
   * @throws TextException if it is missing or broken, or the native library cannot be loaded
   */
  public static HuggingFaceTokenizer load(Path modelDirectory) {
    Path file = modelDirectory.resolve("tokenizer.json");
    try {
      String json = Files.readString(file);
      Vocabulary vocabulary = Vocabulary.parse(json);
      return new HuggingFaceTokenizer(open(file, json), vocabulary);
    } catch (NoSuchFileException e) {
      throw new TextException(file + " is missing; kappa needs a fast tokenizer", e);
    } catch (IOException e) {
      throw new TextException(file + " cannot be read: " + e.getMessage(), e);
    } catch (JacksonException e) {
      throw new TextException(file + " is not a tokenizer: " + e.getOriginalMessage(), e);
    }
  }

  @Override
  public int vocabularySize() {
    return vocabulary.size();
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    long[] ids = tokenizer.encode(withoutLoneSurrogates(text), addSpecialTokens);
    int[] tokens = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      tokens[i] = (int) ids[i];
    }
    return tokens;
  }

  @Override
  public String decode(int[] tokens, boolean skipSpecialTokens) {
    long[] ids = new long[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      ids[i] = tokens[i];
    }
    return tokenizer.decode(ids, skipSpecialTokens);
  }

  @Override
  public String tokenText(int token) {
    return Utf8Stream.decode(tokenBytes(token));
  }

  @Override
  public byte[] tokenBytes(int token) {
    String entry = vocabulary.entry(token);
    if (entry == null) {
      return new byte[0];
    }
    DecoderSpec decoder = vocabulary.decoder();
    if (decoder.byteLevel()) {
      return ByteLevel.bytes(entry);
    }
    int value = decoder.fallbackByte(entry);
    if (value >= 0) {
      return new byte[] {(byte) value};
    }
    String space = decoder.space();
    boolean written = space == null || vocabulary.isAdded(token);
    return (written ? entry : entry.replace(space, " ")).getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public boolean isSpecial(int token) {
    return vocabulary.isSpecial(token);
  }

  @Override
  public OptionalInt tokenId(String entry) {
    @Nullable Integer id = vocabulary.id(entry);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @Override
  public TokenDecoder newDecoder(boolean skipSpecialTokens) {
    return vocabulary.decoder().byteLevel()
        ? new ByteLevelTokenDecoder(vocabulary, skipSpecialTokens)
        : new WindowTokenDecoder(tokenizer, vocabulary, skipSpecialTokens);
  }

  @Override
  public void close() {
    tokenizer.close();
  }

  private static NativeTokenizer open(Path file, String json) {
    NativeLibrary.get();
    try {
      return new NativeTokenizer(json);
    } catch (RuntimeException e) {
      throw new TextException(file + " is not a tokenizer: " + e.getMessage(), e);
    }
  }

  /** UTF-8 has no surrogates; a lone one becomes U+FFFD. */
  private static String withoutLoneSurrogates(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        byte[] utf16 = text.getBytes(StandardCharsets.UTF_16BE);
        return new String(utf16, StandardCharsets.UTF_16BE);
      }
    }
    return text;
  }
}
