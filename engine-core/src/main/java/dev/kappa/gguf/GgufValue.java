package dev.kappa.gguf;

import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * A value of the metadata: a {@link Long}, {@link Double}, {@link Boolean}, {@link String}, or an
 * {@link Array}.
 */
final class GgufValue {

  private static final int STRING = 8;
  private static final int ARRAY = 9;

  /** Most elements of an array: more than any vocabulary or list of merges has. */
  private static final int MAX_ELEMENTS = 1 << 22;

  private static final String[] TYPES = {
    "uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "bool", "string", "array",
    "uint64", "int64", "float64"
  };

  private GgufValue() {}

  /**
   * An array that stays in the file.
   *
   * @param type number of its elements' type
   * @param at where its first element lies
   */
  record Array(int type, int count, long at) {
    boolean ofStrings() {
      return type == STRING;
    }

    @Override
    public String toString() {
      return "an array of %d %s".formatted(count, TYPES[type]);
    }
  }

  static Object read(GgufCursor cursor, String key) {
    return read(cursor, type(cursor, key), key);
  }

  private static int type(GgufCursor cursor, String key) {
    int type = cursor.readInt(key);
    if (type < 0 || type >= TYPES.length) {
      throw cursor.wrong(
          "%s: type %s; expected one of 0 to %d"
              .formatted(key, Integer.toUnsignedString(type), TYPES.length - 1));
    }
    return type;
  }

  private static Object read(GgufCursor cursor, int type, String key) {
    return switch (type) {
      case STRING -> cursor.readString(key);
      case ARRAY -> readArray(cursor, key);
      default -> scalar(cursor, type, cursor.take(size(type), key), key);
    };
  }

  private static Array readArray(GgufCursor cursor, String key) {
    int type = type(cursor, key);
    if (type == ARRAY) {
      throw cursor.wrong(key + ": an array of arrays; expected one of numbers or strings");
    }
    int count = cursor.readCount(key, type == STRING ? Long.BYTES : size(type), MAX_ELEMENTS);
    Array array = new Array(type, count, cursor.at());
    if (type == STRING) {
      for (int i = 0; i < count; i++) {
        cursor.skipString(key);
      }
    } else {
      cursor.take((long) count * size(type), key);
    }
    return array;
  }

  /** One of an array of numbers or flags. */
  static Object element(GgufCursor file, Array array, int index, String key) {
    return scalar(file, array.type, array.at + (long) index * size(array.type), key);
  }

  private static Object scalar(GgufCursor cursor, int type, long at, String key) {
    var file = cursor.file();
    return switch (type) {
      case 0 -> (long) Byte.toUnsignedInt(file.get(ValueLayout.JAVA_BYTE, at));
      case 1 -> (long) file.get(ValueLayout.JAVA_BYTE, at);
      case 2 -> (long) Short.toUnsignedInt(file.get(GgufCursor.SHORT, at));
      case 3 -> (long) file.get(GgufCursor.SHORT, at);
      case 4 -> Integer.toUnsignedLong(file.get(GgufCursor.INT, at));
      case 5 -> (long) file.get(GgufCursor.INT, at);
      case 6 -> (double) file.get(GgufCursor.FLOAT, at);
      case 7 -> flag(cursor, file.get(ValueLayout.JAVA_BYTE, at), key);
      case 10 -> unsigned(cursor, file.get(GgufCursor.LONG, at), key);
      case 11 -> file.get(GgufCursor.LONG, at);
      case 12 -> file.get(GgufCursor.DOUBLE, at);
      default -> throw new IllegalArgumentException("type " + type + " is no scalar");
    };
  }

  private static boolean flag(GgufCursor cursor, byte value, String key) {
    if (value != 0 && value != 1) {
      throw cursor.wrong("%s: a bool of %d; expected 0 or 1".formatted(key, value));
    }
    return value == 1;
  }

  private static long unsigned(GgufCursor cursor, long value, String key) {
    if (value < 0) {
      throw cursor.wrong(
          "%s: %s; expected a number below 2^63".formatted(key, Long.toUnsignedString(value)));
    }
    return value;
  }

  private static int size(int type) {
    return switch (type) {
      case 0, 1, 7 -> 1;
      case 2, 3 -> 2;
      case 4, 5, 6 -> 4;
      case 10, 11, 12 -> 8;
      default -> throw new IllegalArgumentException("type " + type + " has no size of its own");
    };
  }

  /** For messages. */
  static String shown(@Nullable Object value) {
    String text = value instanceof String ? '"' + value.toString() + '"' : String.valueOf(value);
    return text.length() <= 80 ? text : text.substring(0, 80) + "…";
  }
}
