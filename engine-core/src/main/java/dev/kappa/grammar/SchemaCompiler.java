package dev.kappa.grammar;

import dev.kappa.grammar.NetworkBuilder.Rule;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Turns a JSON schema into a part of a network. What it makes satisfies the schema; where a schema
 * leaves room that a model needs not, it makes less of it: properties come in the schema's order,
 * those that the schema does not name come only where {@code additionalProperties} asks for them,
 * and constants are written in one way. A keyword that it does not know is refused. Not
 * thread-safe.
 */
final class SchemaCompiler {

  private static final Set<String> KEYWORDS =
      Set.of(
          "type",
          "properties",
          "required",
          "additionalProperties",
          "items",
          "prefixItems",
          "minItems",
          "maxItems",
          "uniqueItems",
          "minLength",
          "maxLength",
          "pattern",
          "format",
          "minimum",
          "maximum",
          "exclusiveMinimum",
          "exclusiveMaximum",
          "multipleOf");

  private static final Map<String, String> TYPE_BY_KEYWORD =
      Map.ofEntries(
          Map.entry("properties", "object"),
          Map.entry("required", "object"),
          Map.entry("additionalProperties", "object"),
          Map.entry("items", "array"),
          Map.entry("prefixItems", "array"),
          Map.entry("minItems", "array"),
          Map.entry("maxItems", "array"),
          Map.entry("minLength", "string"),
          Map.entry("maxLength", "string"),
          Map.entry("pattern", "string"),
          Map.entry("format", "string"),
          Map.entry("minimum", "number"),
          Map.entry("maximum", "number"),
          Map.entry("exclusiveMinimum", "number"),
          Map.entry("exclusiveMaximum", "number"),
          Map.entry("multipleOf", "number"));

  /** References to references that are followed. */
  private static final int MAX_REFERENCES = 16;

  private final NetworkBuilder builder;
  private final JsonRules json;
  private final JsonNode root;
  private final ObjectCompiler objects;
  private final ArrayCompiler arrays;
  private final StringCompiler strings;
  private final NumberCompiler numbers;
  private final Disjointness disjointness = new Disjointness(this::target);
  private final Map<String, Rule> references = new HashMap<>();

  /** Referred schemas that are still to be made: one after the other, not one within the other. */
  private final Deque<Runnable> pending = new ArrayDeque<>();

  SchemaCompiler(NetworkBuilder builder, JsonRules json, JsonNode root) {
    this.builder = builder;
    this.json = json;
    this.root = root;
    objects = new ObjectCompiler(builder, json, this);
    arrays = new ArrayCompiler(builder, json, this);
    strings = new StringCompiler(builder, json);
    numbers = new NumberCompiler(builder, json);
  }

  /**
   * Adds the whole schema; returns the state after it.
   *
   * @throws GrammarException if it is no schema, or one that is not supported
   */
  int compile(int from) {
    int end = compile(from, root, "");
    for (Runnable next = pending.poll(); next != null; next = pending.poll()) {
      next.run();
    }
    return end;
  }

  /** Adds a schema within the whole one. */
  int compile(int from, JsonNode schema, String path) {
    if (schema.isBoolean()) {
      // False is a state that leads nowhere.
      return schema.booleanValue() ? json.value(from) : builder.state();
    }
    if (!schema.isObject()) {
      throw new GrammarException(path, "a schema must be an object, true or false");
    }
    SchemaNode node = new SchemaNode(schema, path);
    if (node.has("$ref")) {
      node.allowOnly(Set.of("$ref"), "$ref");
      return builder.call(from, reference(node));
    }
    for (String keyword : List.of("anyOf", "oneOf")) {
      if (node.has(keyword)) {
        node.allowOnly(Set.of(keyword), keyword);
        return options(from, node, keyword);
      }
    }
    if (node.has("allOf")) {
      node.allowOnly(Set.of("allOf"), "allOf");
      return allOf(from, node);
    }
    if (node.has("const")) {
      node.allowOnly(Set.of("const", "type"), "const");
      return constants(from, List.of(schema.get("const")), node);
    }
    if (node.has("enum")) {
      node.allowOnly(Set.of("enum", "type"), "enum");
      return constants(from, node.elements("enum"), node);
    }
    node.allowOnly(KEYWORDS, null);
    return typed(from, node);
  }

  private int options(int from, SchemaNode node, String keyword) {
    List<JsonNode> options = node.elements(keyword);
    int end = builder.state();
    int i = 0;
    for (JsonNode option : options) {
      builder.epsilon(compile(from, option, node.path(keyword + "[" + i++ + "]")), end);
    }
    if (keyword.equals("oneOf")) {
      checkDisjoint(node, options);
    }
    return end;
  }

  /** Where no value satisfies two, one of them is the same as any of them. */
  private void checkDisjoint(SchemaNode node, List<JsonNode> options) {
    for (int i = 0; i < options.size(); i++) {
      for (int j = 0; j < i; j++) {
        if (!disjointness.areDisjoint(options.get(j), options.get(i))) {
          throw node.error(
              "oneOf",
              "oneOf is supported where types, constants or required properties keep its schemas"
                  + " apart; those with numbers %d and %d may both hold".formatted(j, i));
        }
      }
    }
  }

  /** What a schema refers to, or itself. */
  private JsonNode target(JsonNode schema) {
    JsonNode at = schema;
    JsonNode reference = at.get("$ref");
    for (int i = 0; i < MAX_REFERENCES && reference != null && reference.isString(); i++) {
      at = resolve(new SchemaNode(at, ""), reference.stringValue());
      reference = at.get("$ref");
    }
    return at;
  }

  /** Generators wrap a single reference like this to say more about it. */
  private int allOf(int from, SchemaNode node) {
    List<JsonNode> all = node.elements("allOf");
    if (all.size() != 1) {
      throw node.error("allOf", "allOf is supported only with a single schema");
    }
    return compile(from, all.getFirst(), node.path("allOf[0]"));
  }

  private int constants(int from, List<JsonNode> values, SchemaNode node) {
    Set<String> types = node.types();
    Set<String> texts = new LinkedHashSet<>();
    for (JsonNode value : values) {
      checkFinite(value, node);
      if (types.isEmpty() || types.stream().anyMatch(type -> Types.isOf(value, type))) {
        texts.add(value.toString());
      }
    }
    int end = builder.state();
    builder.literals(from, texts, end);
    return end;
  }

  /** Numbers beyond the largest double are read as infinite, which JSON cannot write. */
  private static void checkFinite(JsonNode value, SchemaNode node) {
    if (value.isFloatingPointNumber() && !Double.isFinite(value.doubleValue())) {
      String keyword = node.has("const") ? "const" : "enum";
      throw node.error(keyword, keyword + " has a number that is too large");
    }
    value.forEach(inner -> checkFinite(inner, node));
  }

  private int typed(int from, SchemaNode node) {
    Set<String> types = node.types();
    if (types.isEmpty()) {
      types = implied(node);
    }
    if (types.isEmpty()) {
      return json.value(from);
    }
    int end = builder.state();
    for (String type : types) {
      builder.epsilon(ofType(from, type, node), end);
    }
    return end;
  }

  /** Without a type, what the keywords are about. */
  private static Set<String> implied(SchemaNode node) {
    Set<String> types = new LinkedHashSet<>();
    for (String keyword : node.json().propertyNames()) {
      String type = TYPE_BY_KEYWORD.get(keyword);
      if (type != null) {
        types.add(type);
      }
    }
    return types;
  }

  private int ofType(int from, String type, SchemaNode node) {
    return switch (type) {
      case "object" -> objects.compile(from, node);
      case "array" -> arrays.compile(from, node);
      case "string" -> strings.compile(from, node);
      case "number" -> numbers.compile(from, node, false);
      case "integer" -> numbers.compile(from, node, true);
      case "boolean" -> json.bool(from);
      default -> builder.literal(from, "null");
    };
  }

  /** The rule of a referred schema. */
  private Rule reference(SchemaNode node) {
    JsonNode value = node.get("$ref");
    if (value == null || !value.isString()) {
      throw node.error("$ref", "$ref must be a string");
    }
    String reference = value.stringValue();
    Rule known = references.get(reference);
    if (known != null) {
      return known;
    }
    JsonNode target = resolve(node, reference);
    Rule rule = builder.rule();
    references.put(reference, rule);
    String path = reference.length() < 2 ? "" : reference.substring(2).replace('/', '.');
    pending.add(() -> builder.epsilon(compile(rule.start(), target, path), rule.end()));
    return rule;
  }

  /** Follows a JSON pointer (RFC 6901) in a fragment. */
  private JsonNode resolve(SchemaNode node, String reference) {
    if (!reference.equals("#") && !reference.startsWith("#/")) {
      throw node.error("$ref", "$ref '" + reference + "' must point into the schema itself");
    }
    JsonNode at = root;
    String[] names = reference.length() < 2 ? new String[0] : reference.substring(2).split("/", -1);
    for (String encoded : names) {
      String name = decode(node, encoded).replace("~1", "/").replace("~0", "~");
      boolean index = at.isArray() && name.matches("[0-9]{1,6}");
      JsonNode next = index ? at.get(Integer.parseInt(name)) : at.get(name);
      if (next == null) {
        throw node.error("$ref", "$ref '" + reference + "' points to nothing");
      }
      at = next;
    }
    return at;
  }

  private static String decode(SchemaNode node, String encoded) {
    try {
      return URLDecoder.decode(encoded.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw node.error("$ref", "$ref is not well encoded");
    }
  }
}
