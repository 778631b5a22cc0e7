package dev.kappa.text.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** All tests by name: what can follow {@code is}. */
final class Tests {

  @FunctionalInterface
  private interface Check {
    boolean holds(Runtime runtime, Object value, Arguments arguments);
  }

  private static final Map<String, Check> ALL = new HashMap<>();

  static {
    ALL.put("defined", (runtime, value, arguments) -> !(value instanceof Undefined));
    ALL.put("undefined", (runtime, value, arguments) -> value instanceof Undefined);
    ALL.put("none", (runtime, value, arguments) -> value == None.NONE);
    ALL.put("string", (runtime, value, arguments) -> value instanceof String);
    ALL.put("mapping", (runtime, value, arguments) -> value instanceof Map<?, ?>);
    ALL.put("number", (runtime, value, arguments) -> Values.isNumber(value));
    ALL.put("integer", (runtime, value, arguments) -> value instanceof Long);
    ALL.put("float", (runtime, value, arguments) -> value instanceof Double);
    ALL.put("boolean", (runtime, value, arguments) -> value instanceof Boolean);
    ALL.put("true", (runtime, value, arguments) -> value.equals(true));
    ALL.put("false", (runtime, value, arguments) -> value.equals(false));
    ALL.put("callable", (runtime, value, arguments) -> value instanceof Callable);
    ALL.put("escaped", (runtime, value, arguments) -> false);
    // Jinja's undefined can be iterated over and counts as an empty sequence.
    ALL.put("iterable", (runtime, value, arguments) -> isSequence(value));
    ALL.put("sequence", (runtime, value, arguments) -> isSequence(value));
    ALL.put("odd", (runtime, value, arguments) -> Math.floorMod(integer(value), 2) == 1);
    ALL.put("even", (runtime, value, arguments) -> Math.floorMod(integer(value), 2) == 0);
    ALL.put("divisibleby", Tests::isDivisible);
    ALL.put("lower", (runtime, value, arguments) -> StringMethods.isLower(runtime.str(value)));
    ALL.put("upper", (runtime, value, arguments) -> StringMethods.isUpper(runtime.str(value)));
    ALL.put("sameas", (runtime, value, arguments) -> value == arguments.bind("sameas", "other")[0]);
    ALL.put("filter", (runtime, value, arguments) -> Filters.exists(runtime.str(value)));
    ALL.put("test", (runtime, value, arguments) -> exists(runtime.str(value)));
    comparison("==", "eq", "equalto");
    comparison("!=", "ne");
    comparison("<", "lt", "lessthan");
    comparison("<=", "le");
    comparison(">", "gt", "greaterthan");
    comparison(">=", "ge");
    comparison("in", "in");
  }

  private Tests() {}

  static boolean exists(String name) {
    return ALL.containsKey(name);
  }

  static boolean apply(Runtime runtime, String name, Object value, Arguments arguments) {
    Check check = ALL.get(name);
    if (check == null) {
      throw new JinjaException("no test named '" + name + "'");
    }
    return check.holds(runtime, value, arguments);
  }

  private static void comparison(String operator, String... names) {
    Check check =
        (runtime, value, arguments) ->
            runtime.operators().compare(operator, value, arguments.bind(names[0], "other")[0]);
    ALL.put(operator.toLowerCase(Locale.ROOT), check);
    for (String name : names) {
      ALL.put(name, check);
    }
  }

  private static boolean isSequence(Object value) {
    return value instanceof String
        || value instanceof List<?>
        || value instanceof Map<?, ?>
        || value instanceof Undefined;
  }

  private static boolean isDivisible(Runtime runtime, Object value, Arguments arguments) {
    long divisor = integer(arguments.bind("divisibleby", "num")[0]);
    if (divisor == 0) {
      throw new JinjaException("division by zero");
    }
    return integer(value) % divisor == 0;
  }

  private static long integer(Object value) {
    return Values.toLong(value);
  }
}
