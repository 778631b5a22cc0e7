package dev.kappa.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A JSON object of a model's file, read so that every complaint names the file, the key and what
 * was expected. A key whose value is {@code null} counts as absent, as it does in Python's configs.
 *
 * <p>Immutable, thread-safe.
 */
final class JsonObject {

  static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .build();

  /** Far above any real config, far below what would fill the heap. */
  private static final long MAX_BYTES = 64L << 20;

  private static final int SHOWN = 80;

  private final Path file;
  private final String prefix;
  private final JsonNode node;

  private JsonObject(Path file, String prefix, JsonNode node) {
    this.file = file;
    this.prefix = prefix;
    this.node = node;
  }

  static JsonObject read(Path file) {
    JsonNode node;
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new ModelException(
            "%s: %d bytes; expected a JSON file of at most %d".formatted(file, size, MAX_BYTES));
      }
      node = MAPPER.readTree(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw new ModelException(file + ": no such file", e);
    } catch (IOException e) {
      throw new ModelException("%s: cannot be read: %s".formatted(file, e), e);
    } catch (JacksonException e) {
      throw broken(file.toString(), e);
    }
    if (!node.isObject()) {
      throw new ModelException("%s: holds %s; expected a JSON object".formatted(file, shown(node)));
    }
    return new JsonObject(file, "", node);
  }

  /** Syntax that cannot be parsed, with the place where it went wrong. */
  static ModelException broken(String source, JacksonException e) {
    TokenStreamLocation at = e.getLocation();
    String place =
        at == null ? "" : " at line %d, column %d".formatted(at.getLineNr(), at.getColumnNr());
    return new ModelException(
        "%s: broken JSON%s: %s".formatted(source, place, e.getOriginalMessage()), e);
  }

  Path file() {
    return file;
  }

  boolean has(String key) {
    return get(key) != null;
  }

  /** Whether a key is there, if only as {@code null}, which some defaults make a difference to. */
  boolean mentions(String key) {
    return node.has(key);
  }

  List<String> keys() {
    return List.copyOf(node.propertyNames());
  }

  int integer(String key, int min, int max) {
    if (!has(key)) {
      throw missing(key, integerFrom(min, max));
    }
    return integer(key, min, max, min);
  }

  int integer(String key, int min, int max, int fallback) {
    JsonNode value = get(key);
    return value == null ? fallback : integer(key, value, min, max);
  }

  @Nullable Integer integerOrNull(String key, int min, int max) {
    return has(key) ? (Integer) integer(key, min, max) : null;
  }

  /** A single integer or a list of them; empty if absent. */
  List<Integer> integers(String key, int min, int max) {
    JsonNode value = get(key);
    List<Integer> values = new ArrayList<>();
    if (value != null && value.isArray()) {
      value.forEach(element -> values.add(integer(key, element, min, max)));
    } else if (value != null) {
      values.add(integer(key, value, min, max));
    }
    return List.copyOf(values);
  }

  double number(String key, double min) {
    if (!has(key)) {
      throw missing(key, "a number");
    }
    return number(key, min, min);
  }

  double number(String key, double min, double fallback) {
    JsonNode value = get(key);
    return value == null ? fallback : number(key, value, min);
  }

  private double number(String key, JsonNode value, double min) {
    if (value.isNumber()) {
      double number = Double.parseDouble(value.asString());
      if (number >= min && number < Double.POSITIVE_INFINITY) {
        return number;
      }
    }
    throw wrong(key, "a number of at least " + min);
  }

  @Nullable Double numberOrNull(String key, double min) {
    return has(key) ? (Double) number(key, min) : null;
  }

  /** A list of numbers; empty if absent. */
  List<Double> numbers(String key, double min) {
    JsonNode value = get(key);
    List<Double> numbers = new ArrayList<>();
    if (value != null) {
      if (!value.isArray()) {
        throw wrong(key, "a list of numbers");
      }
      value.forEach(element -> numbers.add(number(key, element, min)));
    }
    return List.copyOf(numbers);
  }

  String text(String key, String fallback) {
    JsonNode value = get(key);
    if (value == null) {
      return fallback;
    }
    if (!value.isString()) {
      throw wrong(key, "a string");
    }
    return value.stringValue();
  }

  /** A list of strings; empty if absent. */
  List<String> texts(String key) {
    JsonNode value = get(key);
    List<String> texts = new ArrayList<>();
    if (value != null) {
      if (!value.isArray()) {
        throw wrong(key, "a list of strings");
      }
      for (JsonNode element : value) {
        if (!element.isString()) {
          throw wrong(key, "a list of strings");
        }
        texts.add(element.stringValue());
      }
    }
    return List.copyOf(texts);
  }

  boolean flag(String key, boolean fallback) {
    JsonNode value = get(key);
    if (value == null) {
      return fallback;
    }
    if (!value.isBoolean()) {
      throw wrong(key, "true or false");
    }
    return value.booleanValue();
  }

  @Nullable Boolean flagOrNull(String key) {
    return has(key) ? (Boolean) flag(key, false) : null;
  }

  @Nullable JsonObject object(String key) {
    JsonNode value = get(key);
    if (value == null) {
      return null;
    }
    if (!value.isObject()) {
      throw wrong(key, "an object");
    }
    return new JsonObject(file, prefix + key + ".", value);
  }

  ModelException missing(String key, String expected) {
    return new ModelException(
        "%s: \"%s%s\" is missing; expected %s".formatted(file, prefix, key, expected));
  }

  /** A value that cannot be used. */
  ModelException wrong(String key, String expected) {
    JsonNode value = get(key);
    return new ModelException(
        "%s: \"%s%s\" is %s; expected %s"
            .formatted(file, prefix, key, value == null ? "absent" : shown(value), expected));
  }

  private int integer(String key, JsonNode value, int min, int max) {
    if (value.isIntegralNumber() && value.canConvertToInt()) {
      int integer = value.intValue();
      if (integer >= min && integer <= max) {
        return integer;
      }
    }
    throw wrong(key, integerFrom(min, max));
  }

  private static String integerFrom(int min, int max) {
    return max == Integer.MAX_VALUE
        ? "an integer of at least " + min
        : "an integer from %d to %d".formatted(min, max);
  }

  private @Nullable JsonNode get(String key) {
    JsonNode value = node.get(key);
    return value == null || value.isNull() ? null : value;
  }

  private static String shown(JsonNode value) {
    String text = value.isMissingNode() ? "nothing" : value.toString();
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "…";
  }
}
