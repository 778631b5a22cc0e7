package dev.kappa.text.jinja;

import java.util.HashMap;
import java.util.Map;

/** All filters by name. */
final class Filters {

  /** A filter: a value and arguments to a value. */
  @FunctionalInterface
  interface Function {
    Object apply(Rendering rendering, Object value, Arguments arguments);
  }

  private static final Map<String, Function> ALL = new HashMap<>();

  static {
    TextFilters.register(ALL);
    NumberFilters.register(ALL);
    ListFilters.register(ALL);
    SelectFilters.register(ALL);
  }

  private Filters() {}

  static boolean exists(String name) {
    return ALL.containsKey(name);
  }

  static Object apply(Rendering rendering, String name, Object value, Arguments arguments) {
    Function filter = ALL.get(name);
    if (filter == null) {
      throw new JinjaException("no filter named '" + name + "'");
    }
    return filter.apply(rendering, value, arguments);
  }
}
