package dev.kappa.text.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The arguments of one call, filter or test. */
record Arguments(List<Object> positional, Map<String, Object> named) {

  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /** Stands for an optional argument that was not given. */
  static final Absent ABSENT = Absent.ABSENT;

  enum Absent {
    ABSENT
  }

  /**
   * Sorts the arguments by parameter as Python does.
   *
   * @param function names it in errors
   * @param parameters names in order; one that ends with {@code =} is optional
   * @return one value each, {@link #ABSENT} where not given
   */
  Object[] bind(String function, String... parameters) {
    if (positional.size() > parameters.length) {
      throw new JinjaException(
          "%s() takes at most %d arguments, %d given"
              .formatted(function, parameters.length, positional.size()));
    }
    Object[] values = new Object[parameters.length];
    int used = 0;
    for (int i = 0; i < parameters.length; i++) {
      boolean optional = parameters[i].endsWith("=");
      String name =
          optional ? parameters[i].substring(0, parameters[i].length() - 1) : parameters[i];
      Object value = named.get(name);
      if (i < positional.size()) {
        value = positional.get(i);
      } else if (value != null) {
        used++;
      } else if (optional) {
        value = ABSENT;
      } else {
        throw new JinjaException("%s() lacks its argument '%s'".formatted(function, name));
      }
      values[i] = value;
    }
    if (used < named.size()) {
      throw new JinjaException(
          "%s() got arguments it does not take: %s".formatted(function, unknown(parameters)));
    }
    return values;
  }

  private Set<String> unknown(String... parameters) {
    Set<String> names = new TreeSet<>(named.keySet());
    for (String parameter : parameters) {
      names.remove(parameter.replace("=", ""));
    }
    return names.isEmpty() ? named.keySet() : names;
  }

  /** These arguments after the first so many positional ones. */
  Arguments from(int first) {
    return new Arguments(positional.subList(first, positional.size()), named);
  }
}
