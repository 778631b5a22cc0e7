package dev.kappa.server.openai;

import dev.kappa.server.http.ApiError;
import dev.kappa.server.http.ApiException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A JSON object that is read field by field; errors name the field by its path. Null counts as
 * absent. Whatever was not read can be refused at the end. Not thread-safe.
 */
final class JsonFields {

  private final JsonNode object;
  private final String path;
  private final Set<String> read = new HashSet<>();

  /**
   * @param path where the object is in the body; empty for the body itself
   * @throws ApiException if it is no object
   */
  JsonFields(JsonNode node, String path) {
    if (!node.isObject()) {
      throw bad(
          path.isEmpty() ? null : path,
          (path.isEmpty() ? "the body" : path) + " must be an object, not " + kind(node));
    }
    this.object = node;
    this.path = path;
  }

  /** A field's path in the body. */
  String path(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  /** A field's value as it is; null if absent. */
  @Nullable JsonNode get(String name) {
    read.add(name);
    JsonNode value = object.get(name);
    return value == null || value.isNull() ? null : value;
  }

  @Nullable String string(String name) {
    JsonNode value = get(name);
    return value == null ? null : string(value, path(name));
  }

  boolean bool(String name, boolean otherwise) {
    JsonNode value = get(name);
    if (value == null) {
      return otherwise;
    }
    if (!value.isBoolean()) {
      throw wrongType(path(name), "true or false", value);
    }
    return value.booleanValue();
  }

  @Nullable Long integer(String name, long min, long max) {
    JsonNode value = get(name);
    return value == null ? null : integer(value, path(name), min, max);
  }

  int integer(String name, int min, int max, int otherwise) {
    Long value = integer(name, min, max);
    return value == null ? otherwise : Math.toIntExact(value);
  }

  double number(String name, double min, double max, double otherwise) {
    JsonNode value = get(name);
    if (value == null) {
      return otherwise;
    }
    if (!value.isNumber()) {
      throw wrongType(path(name), "a number", value);
    }
    double number = value.doubleValue(Double.NaN);
    if (!(number >= min && number <= max)) {
      throw outOfRange(path(name), plain(min), plain(max), value.toString());
    }
    return number;
  }

  /** An object's fields; null if absent. */
  @Nullable JsonFields object(String name) {
    JsonNode value = get(name);
    return value == null ? null : new JsonFields(value, path(name));
  }

  /** An array's elements; empty if absent. */
  List<JsonNode> array(String name) {
    JsonNode value = get(name);
    if (value == null) {
      return List.of();
    }
    if (!value.isArray()) {
      throw wrongType(path(name), "an array", value);
    }
    return new ArrayList<>(value.values());
  }

  /** Names of the fields that nobody has asked for and that are not null. */
  List<String> unread() {
    return object.properties().stream()
        .filter(field -> !read.contains(field.getKey()) && !field.getValue().isNull())
        .map(field -> field.getKey())
        .toList();
  }

  /** Refuses every field that nobody has asked for. */
  void rejectUnread() {
    for (String name : unread()) {
      throw bad(path(name), "unknown field " + path(name));
    }
  }

  static String string(JsonNode value, String path) {
    if (!value.isString()) {
      throw wrongType(path, "a string", value);
    }
    return wellFormed(value.stringValue());
  }

  static long integer(JsonNode value, String path, long min, long max) {
    if (!value.isIntegralNumber()) {
      throw wrongType(path, "an integer", value);
    }
    if (!value.canConvertToLong() || value.longValue() < min || value.longValue() > max) {
      throw outOfRange(path, Long.toString(min), Long.toString(max), value.toString());
    }
    return value.longValue();
  }

  static ApiException wrongType(String path, String expected, JsonNode found) {
    return bad(path, path + " must be " + expected + ", not " + kind(found));
  }

  static ApiException bad(@Nullable String path, String message) {
    return new ApiException(ApiError.badField(path, message));
  }

  private static ApiException outOfRange(String path, String min, String max, String found) {
    String shown = found.length() > 30 ? found.substring(0, 30) + "…" : found;
    return bad(path, "%s must be between %s and %s, not %s".formatted(path, min, max, shown));
  }

  private static String plain(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  private static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> "an object";
      case ARRAY -> "an array";
      case STRING -> "a string";
      case NUMBER -> node.isIntegralNumber() ? "an integer" : "a number";
      case BOOLEAN -> node.toString();
      case NULL -> "null";
      default -> "something else";
    };
  }

  /** JSON's escapes can spell half a surrogate pair, which is no text; U+FFFD takes its place. */
  private static String wellFormed(String text) {
    StringBuilder repaired = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (pair) {
        i++;
        continue;
      }
      if (repaired == null) {
        repaired = new StringBuilder(text);
      }
      repaired.setCharAt(i, '\uFFFD');
    }
    return repaired == null ? text : repaired.toString();
  }
}
