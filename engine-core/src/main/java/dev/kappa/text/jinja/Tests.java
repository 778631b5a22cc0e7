package dev.kappa.text.jinja;

import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** All tests by name: what can follow {@code is}. */
final class Tests {

  @FunctionalInterface
  private interface Check {
    boolean holds(Rendering rendering, Object value, Arguments arguments);
  }

  private static final Map<String, Check> ALL = new HashMap<>();

  static {
    ALL.put("defined", (rendering, value, arguments) -> !(value instanceof Undefined));
    ALL.put("undefined", (rendering, value, arguments) -> value instanceof Undefined);
    ALL.put("none", (rendering, value, arguments) -> value == None.NONE);
    ALL.put("string", (rendering, value, arguments) -> value instanceof String);
    ALL.put("mapping", (rendering, value, arguments) -> value instanceof Map<?, ?>);
    ALL.put("number", (rendering, value, arguments) -> Values.isLargeOrNumber(value));
    ALL.put("integer", (rendering, value, arguments) -> isInteger(value));
    ALL.put("float", (rendering, value, arguments) -> value instanceof Double);
    ALL.put("boolean", (rendering, value, arguments) -> value instanceof Boolean);
    ALL.put("true", (rendering, value, arguments) -> value.equals(true));
    ALL.put("false", (rendering, value, arguments) -> value.equals(false));
    ALL.put("callable", (rendering, value, arguments) -> isCallable(value));
    ALL.put("escaped", (rendering, value, arguments) -> false);
    // Jinja's undefined can be iterated over and counts as an empty sequence.
    ALL.put("iterable", (rendering, value, arguments) -> isSequence(value));
    ALL.put("sequence", (rendering, value, arguments) -> isSequence(value));
    ALL.put("odd", (rendering, value, arguments) -> rest(rendering, value, 2L, 1L));
    ALL.put("even", (rendering, value, arguments) -> rest(rendering, value, 2L, 0L));
    ALL.put("divisibleby", Tests::isDivisible);
    ALL.put(
        "lower", (rendering, value, arguments) -> StringMethods.isLower(scanned(rendering, value)));
    ALL.put(
        "upper", (rendering, value, arguments) -> StringMethods.isUpper(scanned(rendering, value)));
    ALL.put("sameas", Tests::isSame);
    ALL.put("filter", (rendering, value, arguments) -> Filters.exists(rendering.str(value)));
    ALL.put("test", (rendering, value, arguments) -> exists(rendering.str(value)));
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

  static boolean apply(Rendering rendering, String name, Object value, Arguments arguments) {
    Check check = ALL.get(name);
    if (check == null) {
      throw new JinjaException("no test named '" + name + "'");
    }
    return check.holds(rendering, value, arguments);
  }

  private static void comparison(String operator, String... names) {
    Check check =
        (rendering, value, arguments) ->
            rendering.operators().compare(operator, value, arguments.bind(names[0], "other")[0]);
    ALL.put(operator.toLowerCase(Locale.ROOT), check);
    for (String name : names) {
      ALL.put(name, check);
    }
  }

  /** Jinja's undefined can be called as far as this test sees. */
  private static boolean isCallable(Object value) {
    return value instanceof Callable || value instanceof Undefined;
  }

  private static boolean isInteger(Object value) {
    return value instanceof Long || value instanceof BigInteger;
  }

  private static boolean isSequence(Object value) {
    return value instanceof String
        || value instanceof List<?>
        || value instanceof Map<?, ?>
        || value instanceof Undefined;
  }

  /** Identity, which scalars have by value here. */
  @SuppressWarnings("ReferenceEquality")
  private static boolean isSame(Rendering rendering, Object value, Arguments arguments) {
    Object other = arguments.bind("sameas", "other")[0];
    if (value instanceof String text) {
      rendering.budget().charge(text.length());
    }
    boolean collection = value instanceof List<?> || value instanceof Map<?, ?>;
    return value == other || (!collection && value.equals(other));
  }

  private static boolean isDivisible(Rendering rendering, Object value, Arguments arguments) {
    return rest(rendering, value, arguments.bind("divisibleby", "num")[0], 0L);
  }

  /** Whether a division leaves a certain rest. */
  private static boolean rest(Rendering rendering, Object value, Object divisor, Object rest) {
    Operators operators = rendering.operators();
    return operators.equal(operators.binary("%", value, divisor), rest);
  }

  private static String scanned(Rendering rendering, Object value) {
    String text = rendering.str(value);
    rendering.budget().charge(text.length());
    return text;
  }
}
