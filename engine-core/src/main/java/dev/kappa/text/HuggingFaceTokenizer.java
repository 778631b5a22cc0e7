package dev.kappa.text;

import dev.kappa.gguf.GgufFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * The tokenizer of a {@code tokenizer.json}, run by Hugging Face's own library, with the added
 * tokens that {@code tokenizer_config.json} names beside it; or that of a GGUF file, brought into
 * the same form. Thread-safe.
 *
 * <p>Texts are never truncated or padded, whatever the file says. Which special tokens are added
 * around a text is up to the file's post-processor alone: as in transformers 5, {@code
 * add_bos_token} and {@code add_eos_token} in {@code tokenizer_config.json} have no effect where
 * there is a {@code tokenizer.json}. Decoded text is not tidied up: {@code
 * clean_up_tokenization_spaces} would need text that comes later.
 */
public final class HuggingFaceTokenizer implements Tokenizer {

  private static final String FILE = "tokenizer.json";

  /** What other programs keep a tokenizer in. */
  private static final List<String> OTHER_FORMATS =
      List.of(
          "tokenizer.model",
          "spiece.model",
          "sentencepiece.bpe.model",
          "tekken.json",
          "vocab.json",
          "vocab.txt");

  private final Path directory;
  private final NativeTokenizer tokenizer;
  private final Vocabulary vocabulary;
  private final Object literalLock = new Object();

  /** The tokenizer without special tokens, made when it is first needed. */
  private @Nullable NativeTokenizer literal;

  private boolean closed;

  private HuggingFaceTokenizer(Path directory, NativeTokenizer tokenizer, Vocabulary vocabulary) {
    this.directory = directory;
    this.tokenizer = tokenizer;
    this.vocabulary = vocabulary;
  }

  /**
   * Loads {@code tokenizer.json} of a model directory, or what a GGUF file has in its place.
   *
   * @throws TextException if it is missing or broken, or the native library cannot be loaded
   */
  public static HuggingFaceTokenizer load(Path modelDirectory) {
    Source source = source(modelDirectory);
    return new HuggingFaceTokenizer(
        modelDirectory, open(modelDirectory, source.json()), source.vocabulary());
  }

  @Override
  public int vocabularySize() {
    return vocabulary.size();
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    return ints(tokenizer.encode(withoutLoneSurrogates(text), addSpecialTokens));
  }

  /** The first call reads the model directory again and takes as long as loading did. */
  @Override
  public int[] encodeLiterally(String text) {
    return ints(literal().encode(withoutLoneSurrogates(text), false));
  }

  private NativeTokenizer literal() {
    synchronized (literalLock) {
      if (literal == null) {
        literal = open(directory, TokenizerJson.withoutSpecialTokens(source(directory).json()));
        if (closed) {
          literal.close();
        }
      }
      return literal;
    }
  }

  private static int[] ints(long[] ids) {
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
    synchronized (literalLock) {
      closed = true;
      if (literal != null) {
        literal.close();
      }
    }
    tokenizer.close();
  }

  /** The file that has the tokenizer. */
  private static Path file(Path model) {
    return GgufFile.isNamedSo(model) ? model : model.resolve(FILE);
  }

  private record Source(String json, Vocabulary vocabulary) {}

  /** The text of {@code tokenizer.json} with what the configuration adds to it. */
  private static Source source(Path directory) {
    Path file = file(directory);
    try {
      if (file.equals(directory)) {
        String json = TokenizerConfig.readGguf(file, GgufTokenizer::json);
        return new Source(json, Vocabulary.parse(json));
      }
      String json = Files.readString(file);
      Vocabulary vocabulary = Vocabulary.parse(json);
      List<AddedToken> missing = ConfiguredTokens.load(directory).missingFrom(vocabulary);
      if (missing.isEmpty()) {
        return new Source(json, vocabulary);
      }
      String complete = TokenizerJson.withTokens(json, vocabulary, missing);
      return new Source(complete, Vocabulary.parse(complete));
    } catch (NoSuchFileException e) {
      throw new TextException(missing(directory), e);
    } catch (IOException e) {
      throw new TextException(file + " cannot be read: " + e.getMessage(), e);
    } catch (JacksonException e) {
      throw new TextException(file + " is not a tokenizer: " + e.getOriginalMessage(), e);
    }
  }

  private static String missing(Path directory) {
    String message = directory.resolve(FILE) + " is missing";
    for (String other : OTHER_FORMATS) {
      if (Files.exists(directory.resolve(other))) {
        return "%s; there is only %s, which transformers can convert: ".formatted(message, other)
            + "python -c \"from transformers import AutoTokenizer as t;"
            + " t.from_pretrained('%1$s').save_pretrained('%1$s')\"".formatted(directory);
      }
    }
    return message + "; kappa needs a tokenizer in this form";
  }

  private static NativeTokenizer open(Path directory, String json) {
    NativeLibrary.get();
    try {
      return new NativeTokenizer(json);
    } catch (RuntimeException e) {
      throw new TextException(file(directory) + " is not a tokenizer: " + e.getMessage(), e);
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
