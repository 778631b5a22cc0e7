package dev.kappa.text.jinja;

import static dev.kappa.text.jinja.Arguments.ABSENT;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The methods of Python's dict and list that do not change them. */
final class CollectionMethods {

  private static final Set<String> MAP = Set.of("items", "keys", "values", "get", "copy");
  private static final Set<String> LIST = Set.of("index", "count", "copy");
  private static final Set<String> MAP_CHANGES =
      Set.of("clear", "pop", "popitem", "setdefault", "update");
  private static final Set<String> LIST_CHANGES =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");

  private CollectionMethods() {}

  static boolean isMapMethod(String name) {
    return MAP.contains(name);
  }

  static boolean isListMethod(String name) {
    return LIST.contains(name);
  }

  static boolean changesMap(String name) {
    return MAP_CHANGES.contains(name);
  }

  static boolean changesList(String name) {
    return LIST_CHANGES.contains(name);
  }

  static Object call(
      Rendering rendering, Map<Object, Object> map, String name, Arguments arguments) {
    if (name.equals("get")) {
      Object[] given = arguments.bind("get", "key", "default=");
      Object value = map.get(Values.key(given[0]));
      return value != null ? value : given[1] == ABSENT ? None.NONE : given[1];
    }
    arguments.bind(name);
    rendering.budget().chargeItems(map.size());
    return switch (name) {
      case "keys" -> new ArrayList<>(map.keySet());
      case "values" -> new ArrayList<>(map.values());
      case "copy" -> new LinkedHashMap<>(map);
      default -> {
        List<Object> items = new ArrayList<>(map.size());
        map.forEach((key, value) -> items.add(Tuple.of(key, value)));
        yield items;
      }
    };
  }

  static Object call(Rendering rendering, List<Object> list, String name, Arguments arguments) {
    rendering.budget().chargeItems(list.size());
    if (name.equals("copy")) {
      arguments.bind(name);
      return new ArrayList<>(list);
    }
    Object wanted = arguments.bind(name, "value")[0];
    long count = 0;
    for (int i = 0; i < list.size(); i++) {
      if (rendering.operators().equal(list.get(i), wanted)) {
        if (name.equals("index")) {
          return (long) i;
        }
        count++;
      }
    }
    if (name.equals("index")) {
      throw new JinjaException("index(): no such item in the list");
    }
    return count;
  }
}
