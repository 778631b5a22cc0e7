package dev.kappa.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Reads a file's header from front to back and never beyond its end. Not thread-safe. */
final class GgufCursor {

  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Far above any chat template, far below what would fill the heap. */
  private static final long MAX_STRING = 16L << 20;

  /** As far, for all strings that are read together. */
  private static final long MAX_STRINGS = 256L << 20;

  private final String source;
  private final MemorySegment file;
  private long at;
  private long stringBytes;

  /**
   * @param source file name for messages
   */
  GgufCursor(String source, MemorySegment file, long at) {
    this.source = source;
    this.file = file;
    this.at = at;
  }

  String source() {
    return source;
  }

  MemorySegment file() {
    return file;
  }

  long at() {
    return at;
  }

  long left() {
    return file.byteSize() - at;
  }

  int readInt(String what) {
    return file.get(INT, take(Integer.BYTES, what));
  }

  long readLong(String what) {
    return file.get(LONG, take(Long.BYTES, what));
  }

  /**
   * Reads a number of things.
   *
   * @param least bytes that each takes at least
   * @param most of them that make sense
   */
  int readCount(String what, int least, int most) {
    long count = readLong(what);
    long room = Math.min(most, left() / least);
    if (count < 0 || count > room) {
      throw wrong(
          "%s: %s; expected at most %d%s"
              .formatted(
                  what,
                  Long.toUnsignedString(count),
                  room,
                  room < most ? ", which is all that fits the file" : ""));
    }
    return (int) count;
  }

  String readString(String what) {
    long length = stringLength(what);
    stringBytes += length;
    if (stringBytes > MAX_STRINGS) {
      throw wrong("%s: more than %d bytes of strings".formatted(what, MAX_STRINGS));
    }
    long from = take(length, what);
    return string(file.asSlice(from, length).toArray(ValueLayout.JAVA_BYTE), what);
  }

  void skipString(String what) {
    take(stringLength(what), what);
  }

  private long stringLength(String what) {
    long length = readLong(what);
    if (length < 0 || length > Math.min(left(), MAX_STRING)) {
      throw wrong(
          "%s: a string of %s bytes; expected at most %d"
              .formatted(what, Long.toUnsignedString(length), Math.min(left(), MAX_STRING)));
    }
    return length;
  }

  private String string(byte[] bytes, String what) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new GgufException("%s: %s: not valid UTF-8".formatted(source, what), e);
    }
  }

  /** Passes over bytes and returns where they begin. */
  long take(long bytes, String what) {
    if (bytes > left()) {
      throw wrong(
          "%s: %d bytes at byte %d; the file ends at byte %d: cut short"
              .formatted(what, bytes, at, file.byteSize()));
    }
    long from = at;
    at += bytes;
    return from;
  }

  GgufException wrong(String message) {
    return new GgufException("%s: %s".formatted(source, message));
  }
}
