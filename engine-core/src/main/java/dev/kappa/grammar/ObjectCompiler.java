package dev.kappa.grammar;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.StringNode;

/** Turns schemas of objects into parts of a network. Not thread-safe. */
final class ObjectCompiler {

  private final NetworkBuilder builder;
  private final JsonRules json;
  private final SchemaCompiler schemas;

  ObjectCompiler(NetworkBuilder builder, JsonRules json, SchemaCompiler schemas) {
    this.builder = builder;
    this.json = json;
    this.schemas = schemas;
  }

  int compile(int from, SchemaNode node) {
    Map<String, JsonNode> properties = properties(node);
    Set<String> required = new LinkedHashSet<>(node.strings("required"));
    JsonNode further = further(node, properties);
    for (String name : required) {
      if (!properties.containsKey(name)) {
        if (isFalse(node.get("additionalProperties"))) {
          throw node.error("required", "'" + name + "' is required but no property");
        }
        JsonNode schema = node.get("additionalProperties");
        properties.put(name, schema == null ? BooleanNode.TRUE : schema);
      }
    }
    if (properties.isEmpty() && isTrue(further)) {
      return json.object(from);
    }
    return object(from, node, properties, required, further);
  }

  private static Map<String, JsonNode> properties(SchemaNode node) {
    Map<String, JsonNode> properties = new LinkedHashMap<>();
    JsonNode value = node.get("properties");
    if (value != null && !value.isObject()) {
      throw node.error("properties", "properties must be an object");
    }
    if (value != null) {
      value.properties().forEach(entry -> properties.put(entry.getKey(), entry.getValue()));
    }
    return properties;
  }

  /** The schema of properties without a name; null where none come. */
  private static @Nullable JsonNode further(SchemaNode node, Map<String, JsonNode> properties) {
    JsonNode value = node.get("additionalProperties");
    if (value == null) {
      return properties.isEmpty() ? BooleanNode.TRUE : null;
    }
    return isFalse(value) ? null : value;
  }

  private static boolean isTrue(@Nullable JsonNode schema) {
    return schema != null && schema.isBoolean() && schema.booleanValue();
  }

  private static boolean isFalse(@Nullable JsonNode schema) {
    return schema != null && schema.isBoolean() && !schema.booleanValue();
  }

  /**
   * Properties in their order. Two states lie before each of them: nothing has come yet, or
   * something has, so that a comma must come first.
   */
  private int object(
      int from,
      SchemaNode node,
      Map<String, JsonNode> properties,
      Set<String> required,
      @Nullable JsonNode further) {
    int end = builder.state();
    int first = builder.literal(from, "{");
    int later = builder.state();
    for (Map.Entry<String, JsonNode> property : properties.entrySet()) {
      String name = property.getKey();
      int key = key(first, later);
      int colon = json.colon(builder.literal(key, StringNode.valueOf(name).toString()));
      int nextFirst = builder.state();
      int nextLater = builder.state();
      builder.epsilon(
          schemas.compile(colon, property.getValue(), node.path("properties." + name)), nextLater);
      if (!required.contains(name)) {
        builder.epsilon(first, nextFirst);
        builder.epsilon(later, nextLater);
      }
      first = nextFirst;
      later = nextLater;
    }
    if (further != null) {
      int key = key(first, later);
      int colon = json.colon(anyKey(key, properties.keySet()));
      builder.epsilon(schemas.compile(colon, further, node.path("additionalProperties")), later);
    }
    builder.any(json.space(first), "}", end);
    builder.any(json.space(later), "}", end);
    return end;
  }

  private int key(int first, int later) {
    int key = json.space(first);
    builder.epsilon(json.comma(later), key);
    return key;
  }

  private int anyKey(int from, Set<String> taken) {
    return taken.isEmpty() ? json.string(from, 0, -1) : json.stringExcept(from, taken);
  }
}
