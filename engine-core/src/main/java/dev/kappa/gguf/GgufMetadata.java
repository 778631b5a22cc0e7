package dev.kappa.gguf;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The keys and values of a file, read so that every complaint names the file, the key and what was
 * expected. Immutable, thread-safe.
 */
public final class GgufMetadata {

  /** Far more than any file has. */
  private static final int MAX_KEYS = 1 << 14;

  /** Length of a key, its type, and a value of a byte. */
  private static final int LEAST_BYTES = 8 + 4 + 1;

  private final GgufCursor file;
  private final Map<String, Object> values;

  private GgufMetadata(GgufCursor file, Map<String, Object> values) {
    this.file = file;
    this.values = values;
  }

  /** How many keys follow. */
  static int readCount(GgufCursor cursor) {
    return cursor.readCount("number of keys", LEAST_BYTES, MAX_KEYS);
  }

  static GgufMetadata read(GgufCursor cursor, int count) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      String key = cursor.readString("key %d of %d".formatted(i + 1, count));
      if (values.put(key, GgufValue.read(cursor, key)) != null) {
        throw cursor.wrong(key + ": is there twice");
      }
    }
    return new GgufMetadata(new GgufCursor(cursor.source(), cursor.file(), 0), values);
  }

  /** The file's name, for messages. */
  public String source() {
    return file.source();
  }

  /** All keys, in order. */
  public Set<String> keys() {
    return Collections.unmodifiableSet(values.keySet());
  }

  public boolean has(String key) {
    return values.containsKey(key);
  }

  /** An integer of any of the format's integer types. */
  public int integer(String key, int min, int max) {
    if (!has(key)) {
      throw wrong(key, "an integer from %d to %d".formatted(min, max));
    }
    return integer(key, min, max, min);
  }

  /** An integer, or a fallback where the key is absent. */
  public int integer(String key, int min, int max, int fallback) {
    Object value = values.get(key);
    if (value == null) {
      return fallback;
    }
    if (value instanceof Long number && number >= min && number <= max) {
      return number.intValue();
    }
    throw wrong(key, "an integer from %d to %d".formatted(min, max));
  }

  /** An integer, or null where the key is absent. */
  public @Nullable Integer integerOrNull(String key, int min, int max) {
    return has(key) ? (Integer) integer(key, min, max) : null;
  }

  /** A finite number of at least {@code min}, or a fallback where the key is absent. */
  public double number(String key, double min, double fallback) {
    Object value = values.get(key);
    if (value == null) {
      return fallback;
    }
    double number =
        switch (value) {
          case Double real -> real;
          case Long whole -> whole;
          default -> Double.NaN;
        };
    if (number >= min && number < Double.POSITIVE_INFINITY) {
      return number;
    }
    throw wrong(key, "a number of at least " + min);
  }

  /** A flag, or a fallback where the key is absent. */
  public boolean flag(String key, boolean fallback) {
    return switch (values.get(key)) {
      case null -> fallback;
      case Boolean flag -> flag;
      default -> throw wrong(key, "true or false");
    };
  }

  /** A string, or null where the key is absent. */
  public @Nullable String text(String key) {
    return switch (values.get(key)) {
      case null -> null;
      case String text -> text;
      default -> throw wrong(key, "a string");
    };
  }

  /** An array of strings; empty where the key is absent. */
  public List<String> texts(String key) {
    if (!has(key)) {
      return List.of();
    }
    if (!(values.get(key) instanceof GgufValue.Array array) || !array.ofStrings()) {
      throw wrong(key, "an array of strings");
    }
    GgufCursor cursor = new GgufCursor(file.source(), file.file(), array.at());
    List<String> texts = new ArrayList<>(array.count());
    for (int i = 0; i < array.count(); i++) {
      texts.add(cursor.readString("%s[%d]".formatted(key, i)));
    }
    return texts;
  }

  /** An array of numbers; empty where the key is absent. */
  public double[] numbers(String key) {
    if (!has(key)) {
      return new double[0];
    }
    if (!(values.get(key) instanceof GgufValue.Array array) || array.ofStrings()) {
      throw wrong(key, "an array of numbers");
    }
    double[] numbers = new double[array.count()];
    for (int i = 0; i < numbers.length; i++) {
      if (!(GgufValue.element(file, array, i, key) instanceof Number number)) {
        throw wrong(key, "an array of numbers");
      }
      numbers[i] = number.doubleValue();
    }
    return numbers;
  }

  /** Elements of an array; 0 where the key is absent. */
  public int length(String key) {
    return switch (values.get(key)) {
      case null -> 0;
      case GgufValue.Array array -> array.count();
      default -> throw wrong(key, "an array");
    };
  }

  /** A value that cannot be used, or one that is missing. */
  public GgufException wrong(String key, String expected) {
    return new GgufException(
        has(key)
            ? "%s: \"%s\" is %s; expected %s"
                .formatted(file.source(), key, GgufValue.shown(values.get(key)), expected)
            : "%s: \"%s\" is missing; expected %s".formatted(file.source(), key, expected));
  }
}
