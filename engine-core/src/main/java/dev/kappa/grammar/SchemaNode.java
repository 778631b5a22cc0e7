package dev.kappa.grammar;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A schema that is an object, with its place in the whole schema.
 *
 * @param path names from the root, joined by dots; empty for the root
 */
record SchemaNode(JsonNode json, String path) {

  /** They say something to people, or hold what others refer to. */
  private static final Set<String> WITHOUT_EFFECT =
      Set.of(
          "$schema",
          "$comment",
          "$defs",
          "definitions",
          "title",
          "description",
          "default",
          "example",
          "examples",
          "deprecated",
          "discriminator",
          "readOnly",
          "writeOnly");

  /** Digits of a number, more than those of the largest and the smallest double. */
  private static final int MAX_PLACES = 400;

  GrammarException error(String keyword, String message) {
    return new GrammarException(path(keyword), message);
  }

  String path(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  @Nullable JsonNode get(String keyword) {
    return json.get(keyword);
  }

  boolean has(String keyword) {
    return json.has(keyword);
  }

  /**
   * Refuses keywords that are not among these.
   *
   * @param with what the allowed ones stand beside; null for nothing
   */
  void allowOnly(Set<String> keywords, @Nullable String with) {
    for (String keyword : json.propertyNames()) {
      if (!keywords.contains(keyword) && !WITHOUT_EFFECT.contains(keyword)) {
        throw error(
            keyword,
            with == null
                ? "the keyword '" + keyword + "' is not supported"
                : "the keyword '%s' is not supported beside %s".formatted(keyword, with));
      }
    }
  }

  /** A count; absent: otherwise. */
  int count(String keyword, int otherwise) {
    JsonNode value = json.get(keyword);
    if (value == null) {
      return otherwise;
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 0) {
      throw error(keyword, keyword + " must be a number of 0 or more");
    }
    return value.intValue();
  }

  /** A string; null if absent. */
  @Nullable String string(String keyword) {
    JsonNode value = json.get(keyword);
    if (value != null && !value.isString()) {
      throw error(keyword, keyword + " must be a string");
    }
    return value == null ? null : value.stringValue();
  }

  /** A number; null if absent. */
  @Nullable BigDecimal decimal(String keyword) {
    JsonNode value = json.get(keyword);
    if (value == null) {
      return null;
    }
    boolean isFinite = !value.isFloatingPointNumber() || Double.isFinite(value.doubleValue());
    if (!value.isNumber() || !isFinite) {
      throw error(keyword, keyword + " must be a number");
    }
    BigDecimal decimal = value.decimalValue();
    if (decimal.precision() > MAX_PLACES || Math.abs(decimal.scale()) > MAX_PLACES) {
      throw error(keyword, keyword + " is too long a number");
    }
    return decimal;
  }

  /** Strings of an array; empty if absent. */
  List<String> strings(String keyword) {
    JsonNode value = json.get(keyword);
    List<String> strings = new ArrayList<>();
    if (value == null) {
      return strings;
    }
    for (JsonNode element : elements(keyword)) {
      if (!element.isString()) {
        throw error(keyword, keyword + " must be an array of strings");
      }
      strings.add(element.stringValue());
    }
    return strings;
  }

  /** Elements of an array. */
  List<JsonNode> elements(String keyword) {
    JsonNode value = json.get(keyword);
    if (value == null || !value.isArray()) {
      throw error(keyword, keyword + " must be an array");
    }
    return new ArrayList<>(value.values());
  }

  /** The types it allows; empty if it does not say. */
  Set<String> types() {
    JsonNode type = json.get("type");
    List<String> names =
        type != null && type.isString() ? List.of(type.stringValue()) : strings("type");
    if (type != null && names.isEmpty()) {
      throw error("type", "type must not be empty");
    }
    for (String name : names) {
      if (!Types.ALL.contains(name)) {
        throw error("type", "there is no type '" + name + "'");
      }
    }
    return names.stream().collect(Collectors.toCollection(java.util.LinkedHashSet::new));
  }
}
