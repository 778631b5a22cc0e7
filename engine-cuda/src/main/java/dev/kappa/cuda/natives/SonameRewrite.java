package dev.kappa.cuda.natives;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Makes a 64-bit little-endian ELF library import from another version of a library that it is
 * linked to. The name occurs as the needed library and as the version of its symbols, both in the
 * string table and thus both overwritten; the version is also there as a hash, in the section
 * {@code .gnu.version_r} (Linux Standard Base, "Symbol Versioning"). Only names of equal length can
 * be exchanged. Right if the new library has every function used with the old signature.
 */
final class SonameRewrite {

  private static final int SECTION_TABLE_OFFSET = 40;
  private static final int SECTION_ENTRY_SIZE = 58;
  private static final int SECTION_COUNT = 60;
  private static final int SECTION_TYPE = 4;
  private static final int SECTION_OFFSET = 24;
  private static final int SECTION_SIZE = 32;
  private static final int SHT_GNU_VERNEED = 0x6ffffffe;

  private SonameRewrite() {}

  /**
   * @return the changed copy
   * @throws IllegalArgumentException if lengths differ, or the library does not import from {@code
   *     from} with versions
   */
  static byte[] apply(byte[] library, String from, String to) {
    if (from.length() != to.length()) {
      throw new IllegalArgumentException("%s and %s differ in length".formatted(from, to));
    }
    byte[] changed = library.clone();
    int names = replaceNames(changed, from, to);
    int hashes = replaceHashes(ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN), from, to);
    if (names == 0 || hashes == 0) {
      throw new IllegalArgumentException("the library does not import from " + from);
    }
    return changed;
  }

  private static int replaceNames(byte[] file, String from, String to) {
    byte[] old = (from + "\0").getBytes(StandardCharsets.US_ASCII);
    byte[] wanted = (to + "\0").getBytes(StandardCharsets.US_ASCII);
    int found = 0;
    for (int i = 0; i + old.length <= file.length; i++) {
      if (file[i] == old[0] && Arrays.equals(file, i, i + old.length, old, 0, old.length)) {
        System.arraycopy(wanted, 0, file, i, wanted.length);
        found++;
      }
    }
    return found;
  }

  private static int replaceHashes(ByteBuffer file, String from, String to) {
    int found = 0;
    int table = Math.toIntExact(file.getLong(SECTION_TABLE_OFFSET));
    for (int i = 0; i < file.getShort(SECTION_COUNT); i++) {
      int section = table + i * file.getShort(SECTION_ENTRY_SIZE);
      if (file.getInt(section + SECTION_TYPE) != SHT_GNU_VERNEED) {
        continue;
      }
      int start = Math.toIntExact(file.getLong(section + SECTION_OFFSET));
      int end = start + Math.toIntExact(file.getLong(section + SECTION_SIZE));
      for (int word = start; word < end; word += Integer.BYTES) {
        if (file.getInt(word) == hash(from)) {
          file.putInt(word, hash(to));
          found++;
        }
      }
    }
    return found;
  }

  /** The hash function of the System V ABI, "Hash Table". */
  static int hash(String name) {
    int hash = 0;
    for (byte character : name.getBytes(StandardCharsets.US_ASCII)) {
      hash = (hash << 4) + (character & 0xff);
      int high = hash & 0xf0000000;
      hash = (hash ^ (high >>> 24)) & ~high;
    }
    return hash;
  }
}
