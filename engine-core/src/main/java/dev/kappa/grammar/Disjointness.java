package dev.kappa.grammar;

import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Tells whether no value can satisfy two schemas at once, as far as their types, constants and
 * properties show: what is not found disjoint may be so all the same.
 */
final class Disjointness {

  /** Schemas within each other that are looked at: references may go round in circles. */
  private static final int MAX_DEPTH = 16;

  /** Pairs that are compared in all: options within options multiply. */
  private static final int MAX_COMPARED = 10_000;

  /** Constants, types and names of all schemas that are compared. */
  private static final int MAX_LISTED = 200_000;

  private final UnaryOperator<JsonNode> resolved;
  private int compared;
  private long listed;

  /**
   * @param resolved follows a schema's reference, if it is one
   */
  Disjointness(UnaryOperator<JsonNode> resolved) {
    this.resolved = resolved;
  }

  boolean areDisjoint(JsonNode one, JsonNode other) {
    return areDisjoint(one, other, 0);
  }

  private boolean areDisjoint(JsonNode one, JsonNode other, int depth) {
    if (depth > MAX_DEPTH || ++compared > MAX_COMPARED) {
      return false;
    }
    JsonNode a = resolved.apply(one);
    JsonNode b = resolved.apply(other);
    if (isNothing(a) || isNothing(b)) {
      return true;
    }
    if (!a.isObject() || !b.isObject()) {
      return false;
    }
    listed += listed(a) + listed(b);
    if (listed > MAX_LISTED) {
      return false;
    }
    return anyOptionsDisjoint(a, b, depth)
        || anyOptionsDisjoint(b, a, depth)
        || haveOtherConstants(a, b)
        || haveOtherTypes(a, b)
        || haveOtherProperties(a, b, depth);
  }

  private static int listed(JsonNode schema) {
    return schema.path("enum").size() + schema.path("type").size() + schema.path("required").size();
  }

  private static boolean isNothing(JsonNode schema) {
    return schema.isBoolean() && !schema.booleanValue();
  }

  /** Whether one schema has options, all of which the other keeps away from. */
  private boolean anyOptionsDisjoint(JsonNode a, JsonNode b, int depth) {
    for (String keyword : List.of("anyOf", "oneOf")) {
      JsonNode options = a.get(keyword);
      if (options != null
          && options.isArray()
          && options.valueStream().allMatch(option -> areDisjoint(option, b, depth + 1))) {
        return true;
      }
    }
    JsonNode all = a.get("allOf");
    return all != null
        && all.isArray()
        && all.valueStream().anyMatch(part -> areDisjoint(part, b, depth + 1));
  }

  private static boolean haveOtherConstants(JsonNode a, JsonNode b) {
    List<JsonNode> ofA = constants(a);
    List<JsonNode> ofB = constants(b);
    if (ofA == null && ofB == null) {
      return false;
    }
    if (ofA == null || ofB == null) {
      Set<String> types = types(ofA == null ? a : b);
      List<JsonNode> values = ofA == null ? ofB : ofA;
      return !types.isEmpty()
          && values != null
          && values.stream()
              .noneMatch(value -> types.stream().anyMatch(type -> Types.isOf(value, type)));
    }
    Set<Object> values = new HashSet<>();
    ofA.forEach(value -> values.add(comparable(value)));
    return ofB.stream().noneMatch(value -> values.contains(comparable(value)));
  }

  /** The only values that a schema allows; null if it does not name them. */
  private static @Nullable List<JsonNode> constants(JsonNode schema) {
    JsonNode constant = schema.get("const");
    if (constant != null) {
      return List.of(constant);
    }
    JsonNode values = schema.get("enum");
    return values != null && values.isArray() ? values.valueStream().toList() : null;
  }

  /** What is the same for equal values: 1 and 1.0 are one number. */
  private static Object comparable(JsonNode value) {
    boolean isInfinite = value.isFloatingPointNumber() && !Double.isFinite(value.doubleValue());
    if (value.isNumber() && !isInfinite) {
      return value.decimalValue().stripTrailingZeros();
    }
    // Containers may hold such numbers; those that look different only so are not told apart.
    return value.isContainer() ? JsonNode.class : value;
  }

  private static boolean haveOtherTypes(JsonNode a, JsonNode b) {
    Set<String> ofA = types(a);
    Set<String> ofB = types(b);
    return !ofA.isEmpty()
        && !ofB.isEmpty()
        && ofA.stream().noneMatch(x -> ofB.stream().anyMatch(y -> Types.overlap(x, y)));
  }

  private static Set<String> types(JsonNode schema) {
    JsonNode type = schema.get("type");
    Set<String> names = new LinkedHashSet<>();
    if (type != null && type.isString()) {
      names.add(type.stringValue());
    } else if (type != null) {
      type.valueStream().forEach(name -> names.add(name.asString("")));
    }
    return names;
  }

  /** Objects that both need a property which cannot be the same in both, or which one lacks. */
  private boolean haveOtherProperties(JsonNode a, JsonNode b, int depth) {
    // What is no object may still satisfy both.
    if (!types(a).equals(Set.of("object")) && !types(b).equals(Set.of("object"))) {
      return false;
    }
    Set<String> needed = new LinkedHashSet<>(required(a));
    needed.addAll(required(b));
    for (String name : needed) {
      JsonNode own = a.path("properties").get(name);
      JsonNode other = b.path("properties").get(name);
      boolean differ =
          own == null || other == null
              ? (own == null && isClosed(a)) || (other == null && isClosed(b))
              : areDisjoint(own, other, depth + 1);
      if (differ) {
        return true;
      }
    }
    return false;
  }

  private static Set<String> required(JsonNode schema) {
    Set<String> names = new LinkedHashSet<>();
    schema.path("required").valueStream().forEach(name -> names.add(name.asString("")));
    return names;
  }

  private static boolean isClosed(JsonNode schema) {
    JsonNode further = schema.get("additionalProperties");
    return further != null && isNothing(further) && !schema.has("patternProperties");
  }
}
