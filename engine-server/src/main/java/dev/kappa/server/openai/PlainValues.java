package dev.kappa.server.openai;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** JSON as plain Java values, for chat templates. */
final class PlainValues {

  private PlainValues() {}

  /** A map, list, string, long, big integer, double or boolean; null for null. */
  static @Nullable Object of(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> object(node);
      case ARRAY -> array(node);
      case STRING -> node.stringValue();
      case BOOLEAN -> node.booleanValue();
      case NUMBER ->
          !node.isIntegralNumber()
              ? (Object) node.doubleValue(Double.NaN)
              : node.canConvertToLong() ? (Object) node.longValue() : node.bigIntegerValue();
      default -> null;
    };
  }

  static Map<String, @Nullable Object> object(JsonNode node) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    node.properties().forEach(field -> map.put(field.getKey(), of(field.getValue())));
    return map;
  }

  private static List<@Nullable Object> array(JsonNode node) {
    List<@Nullable Object> list = new ArrayList<>();
    node.values().forEach(element -> list.add(of(element)));
    return list;
  }
}
