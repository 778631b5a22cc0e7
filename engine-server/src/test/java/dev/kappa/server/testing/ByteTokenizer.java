package dev.kappa.server.testing;

import dev.kappa.text.TextException;
import dev.kappa.text.TokenDecoder;
import dev.kappa.text.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/** One token per UTF-8 byte, then {@code <s>} (put before texts) and {@code </s>}. */
public final class ByteTokenizer implements Tokenizer {

  public static final int BOS = 256;
  public static final int EOS = 257;

  /** Texts with it are refused. */
  public static final String UNREADABLE = "(unreadable)";

  @Override
  public int vocabularySize() {
    return 258;
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    if (text.contains(UNREADABLE)) {
      throw new TextException("cannot be read");
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int shift = addSpecialTokens ? 1 : 0;
    int[] tokens = new int[bytes.length + shift];
    if (addSpecialTokens) {
      tokens[0] = BOS;
    }
    for (int i = 0; i < bytes.length; i++) {
      tokens[i + shift] = bytes[i] & 0xff;
    }
    return tokens;
  }

  @Override
  public String decode(int[] tokens, boolean skipSpecialTokens) {
    TokenDecoder decoder = newDecoder(skipSpecialTokens);
    StringBuilder text = new StringBuilder();
    for (int token : tokens) {
      text.append(decoder.append(token));
    }
    return text.append(decoder.finish()).toString();
  }

  @Override
  public String tokenText(int token) {
    return switch (token) {
      case BOS -> "<s>";
      case EOS -> "</s>";
      default -> new String(new byte[] {(byte) token}, StandardCharsets.UTF_8);
    };
  }

  @Override
  public byte[] tokenBytes(int token) {
    return token < BOS
        ? new byte[] {(byte) token}
        : tokenText(token).getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public boolean isSpecial(int token) {
    return token >= BOS;
  }

  @Override
  public OptionalInt tokenId(String entry) {
    return switch (entry) {
      case "<s>" -> OptionalInt.of(BOS);
      case "</s>" -> OptionalInt.of(EOS);
      default ->
          entry.length() == 1 && entry.charAt(0) < 128
              ? OptionalInt.of(entry.charAt(0))
              : OptionalInt.empty();
    };
  }

  @Override
  public TokenDecoder newDecoder(boolean skipSpecialTokens) {
    return new Decoder(skipSpecialTokens);
  }

  @Override
  public void close() {}

  private static final class Decoder implements TokenDecoder {
    private final boolean skipSpecialTokens;
    private final ByteArrayOutputStream held = new ByteArrayOutputStream();

    Decoder(boolean skipSpecialTokens) {
      this.skipSpecialTokens = skipSpecialTokens;
    }

    @Override
    public String append(int token) {
      if (token >= BOS) {
        String special = skipSpecialTokens ? "" : token == BOS ? "<s>" : "</s>";
        return finish() + special;
      }
      held.write(token);
      String text = held.toString(StandardCharsets.UTF_8);
      // Four bytes make any character, so more than that held back would be broken text.
      if (text.indexOf('\uFFFD') >= 0 && held.size() < 4) {
        return "";
      }
      held.reset();
      return text;
    }

    @Override
    public String finish() {
      String text = held.toString(StandardCharsets.UTF_8);
      held.reset();
      return text;
    }
  }
}
