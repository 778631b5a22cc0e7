package dev.kappa.grammar;

import dev.kappa.grammar.NetworkBuilder.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;

/** Turns schemas of arrays into parts of a network. Not thread-safe. */
final class ArrayCompiler {

  private final NetworkBuilder builder;
  private final JsonRules json;
  private final SchemaCompiler schemas;

  ArrayCompiler(NetworkBuilder builder, JsonRules json, SchemaCompiler schemas) {
    this.builder = builder;
    this.json = json;
    this.schemas = schemas;
  }

  int compile(int from, SchemaNode node) {
    JsonNode unique = node.get("uniqueItems");
    if (unique != null && !(unique.isBoolean() && !unique.booleanValue())) {
      throw node.error("uniqueItems", "the keyword 'uniqueItems' is not supported");
    }
    int least = node.count("minItems", 0);
    int most = node.count("maxItems", -1);
    if (most >= 0 && most < least) {
      throw node.error("maxItems", "maxItems must not be below minItems");
    }
    List<JsonNode> fixed = node.has("prefixItems") ? node.elements("prefixItems") : List.of();
    JsonNode items = node.get("items");
    JsonNode rest = items == null ? BooleanNode.TRUE : items;
    return array(from, node, fixed, rest, least, most);
  }

  /**
   * @param most -1 for any number
   */
  private int array(
      int from, SchemaNode node, List<JsonNode> fixed, JsonNode rest, int least, int most) {
    int end = builder.state();
    int open = json.space(builder.literal(from, "["));
    int counted = most >= 0 ? most : Math.max(least, fixed.size());
    @Nullable Rule element = null;
    int at = open;
    for (int i = 0; i < counted; i++) {
      if (i >= least) {
        close(at, i, end);
      }
      int before = i == 0 ? at : json.comma(at);
      if (i < fixed.size()) {
        at = schemas.compile(before, fixed.get(i), node.path("prefixItems[" + i + "]"));
      } else {
        element = element == null ? rule(rest, node) : element;
        at = builder.call(before, element);
      }
    }
    close(at, counted, end);
    if (most < 0) {
      // As many more as wanted, once all that are counted have come.
      int item = builder.state();
      builder.epsilon(counted == 0 ? at : json.comma(at), item);
      int after = schemas.compile(item, rest, node.path("items"));
      builder.epsilon(json.comma(after), item);
      close(after, 1, end);
    }
    return end;
  }

  private void close(int at, int count, int end) {
    builder.any(count == 0 ? at : json.space(at), "]", end);
  }

  private Rule rule(JsonNode schema, SchemaNode node) {
    Rule rule = builder.rule();
    builder.epsilon(schemas.compile(rule.start(), schema, node.path("items")), rule.end());
    return rule;
  }
}
