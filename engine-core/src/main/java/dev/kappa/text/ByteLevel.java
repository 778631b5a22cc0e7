package dev.kappa.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The alphabet of byte-level BPE: each byte is written as one character. Printable Latin-1 bytes
 * stand for themselves, the others are numbered from U+0100 (Radford et al. 2019, GPT-2's released
 * encoder).
 */
final class ByteLevel {

  private static final int[] BYTE_OF_CHAR = bytesOfChars();

  private ByteLevel() {}

  /**
   * The bytes an entry stands for; an entry with a character outside of the alphabet (an added
   * token) stands for its own UTF-8.
   */
  static byte[] bytes(String entry) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(entry.length());
    for (int i = 0; i < entry.length(); i++) {
      char c = entry.charAt(i);
      if (c >= BYTE_OF_CHAR.length || BYTE_OF_CHAR[c] < 0) {
        return entry.getBytes(StandardCharsets.UTF_8);
      }
      bytes.write(BYTE_OF_CHAR[c]);
    }
    return bytes.toByteArray();
  }

  private static int[] bytesOfChars() {
    int[] table = new int[256 + 68];
    Arrays.fill(table, -1);
    int unprintable = 256;
    for (int value = 0; value < 256; value++) {
      boolean printable =
          (value >= '!' && value <= '~') || (value >= 0xA1 && value <= 0xFF && value != 0xAD);
      table[printable ? value : unprintable++] = value;
    }
    return table;
  }
}
