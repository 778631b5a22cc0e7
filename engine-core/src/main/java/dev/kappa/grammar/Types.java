package dev.kappa.grammar;

import java.util.Set;
import tools.jackson.databind.JsonNode;

/** The types of JSON Schema. */
final class Types {

  static final Set<String> ALL =
      Set.of("object", "array", "string", "number", "integer", "boolean", "null");

  private Types() {}

  /** Whether a value is of a type; 1.0 is an integer. */
  static boolean isOf(JsonNode value, String type) {
    return switch (type) {
      case "object" -> value.isObject();
      case "array" -> value.isArray();
      case "string" -> value.isString();
      case "boolean" -> value.isBoolean();
      case "null" -> value.isNull();
      case "integer" ->
          value.isNumber() && value.doubleValue(0.5) == Math.rint(value.doubleValue(0.5));
      default -> value.isNumber();
    };
  }

  /** Whether there are values of both types. */
  static boolean overlap(String one, String other) {
    return one.equals(other) || (isNumeric(one) && isNumeric(other));
  }

  private static boolean isNumeric(String type) {
    return type.equals("number") || type.equals("integer");
  }
}
