package dev.kappa.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Arithmetic, comparison and membership with Python's meaning. */
final class Operators {

  private final Budget budget;

  Operators(Budget budget) {
    this.budget = budget;
  }

  Object binary(String operator, Object left, Object right) {
    fail(left);
    if (operator.equals("%") && left instanceof String format) {
      return PercentFormat.format(format, right, budget);
    }
    fail(right);
    if (Values.isInteger(left) && Values.isInteger(right)) {
      return integers(operator, Values.toLong(left), Values.toLong(right));
    }
    if (Values.isNumber(left) && Values.isNumber(right)) {
      return decimals(operator, Values.toDouble(left), Values.toDouble(right));
    }
    if (operator.equals("+")) {
      return join(left, right);
    }
    if (operator.equals("*")) {
      return Values.isInteger(left) ? repeat(right, left) : repeat(left, right);
    }
    throw mismatch(operator, left, right);
  }

  private static Object integers(String operator, long left, long right) {
    if (right == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw new JinjaException("division by zero");
    }
    try {
      return switch (operator) {
        case "+" -> Math.addExact(left, right);
        case "-" -> Math.subtractExact(left, right);
        case "*" -> Math.multiplyExact(left, right);
        case "/" -> (double) left / (double) right;
        case "//" -> Math.floorDiv(left, right);
        case "%" -> Math.floorMod(left, right);
        default -> power(left, right);
      };
    } catch (ArithmeticException e) {
      throw new JinjaException("integer overflow");
    }
  }

  private static Object power(long base, long exponent) {
    if (exponent < 0) {
      return Math.pow((double) base, (double) exponent);
    }
    if (base >= -1 && base <= 1) {
      return exponent == 0 ? 1L : exponent % 2 == 0 ? base * base : base;
    }
    return Math.powExact(base, (int) Math.min(exponent, Long.SIZE));
  }

  private static Object decimals(String operator, double left, double right) {
    if (right == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw new JinjaException("division by zero");
    }
    return switch (operator) {
      case "+" -> left + right;
      case "-" -> left - right;
      case "*" -> left * right;
      case "/" -> left / right;
      case "//" -> Math.floor(left / right);
      case "%" -> {
        double rest = left % right;
        if (rest == 0) {
          yield Math.copySign(0, right);
        }
        yield (rest < 0) != (right < 0) ? rest + right : rest;
      }
      default -> Math.pow(left, right);
    };
  }

  private Object join(Object left, Object right) {
    if (left instanceof String a && right instanceof String b) {
      budget.charge((long) a.length() + b.length());
      return a + b;
    }
    if (left instanceof List<?> a
        && right instanceof List<?> b
        && (a instanceof Tuple) == (b instanceof Tuple)) {
      budget.chargeItems((long) a.size() + b.size());
      List<Object> both = new ArrayList<>(a);
      both.addAll(b);
      return a instanceof Tuple ? new Tuple(both) : both;
    }
    throw mismatch("+", left, right);
  }

  private Object repeat(Object value, Object times) {
    if (!Values.isInteger(times)) {
      throw mismatch("*", value, times);
    }
    int count = Math.max(0, Values.toInt(times));
    if (value instanceof String text) {
      budget.charge(count, text.length());
      return text.repeat(text.isEmpty() ? 0 : count);
    }
    if (value instanceof List<?> list) {
      budget.charge(count, 20L * list.size());
      List<Object> all = new ArrayList<>();
      for (int i = 0; i < count && !list.isEmpty(); i++) {
        all.addAll(list);
      }
      return value instanceof Tuple ? new Tuple(all) : all;
    }
    throw mismatch("*", value, times);
  }

  Object negate(Object value) {
    fail(value);
    return value instanceof Double d ? (Object) (-d) : integers("-", 0, Values.toLong(value));
  }

  boolean compare(String operator, Object left, Object right) {
    return switch (operator) {
      case "==" -> equal(left, right);
      case "!=" -> !equal(left, right);
      case "in" -> contains(right, left);
      case "not in" -> !contains(right, left);
      case "<" -> order(left, right, operator) < 0;
      case "<=" -> order(left, right, operator) <= 0;
      case ">" -> order(left, right, operator) > 0;
      default -> order(left, right, operator) >= 0;
    };
  }

  boolean equal(Object left, Object right) {
    budget.charge(1);
    if (Values.isNumber(left) && Values.isNumber(right)) {
      boolean decimal = left instanceof Double || right instanceof Double;
      return decimal
          ? Values.toDouble(left) == Values.toDouble(right)
          : Values.toLong(left) == Values.toLong(right);
    }
    if (left instanceof String a && right instanceof String b) {
      budget.charge(Math.min(a.length(), b.length()));
      return a.equals(b);
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      return (a instanceof Tuple) == (b instanceof Tuple) && sameItems(a, b);
    }
    if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
      return sameEntries(a, b);
    }
    return left instanceof Undefined ? right instanceof Undefined : Objects.equals(left, right);
  }

  private boolean sameItems(List<?> left, List<?> right) {
    if (left.size() != right.size()) {
      return false;
    }
    Iterator<?> other = right.iterator();
    for (Object item : left) {
      if (!equal(item, other.next())) {
        return false;
      }
    }
    return true;
  }

  private boolean sameEntries(Map<?, ?> left, Map<?, ?> right) {
    if (left.size() != right.size()) {
      return false;
    }
    for (Map.Entry<?, ?> entry : left.entrySet()) {
      Object other = right.get(entry.getKey());
      if (other == null || !equal(entry.getValue(), other)) {
        return false;
      }
    }
    return true;
  }

  /** Order of two numbers, strings or lists. */
  int order(Object left, Object right, String operator) {
    budget.charge(1);
    fail(left);
    fail(right);
    if (Values.isInteger(left) && Values.isInteger(right)) {
      return Long.compare(Values.toLong(left), Values.toLong(right));
    }
    if (Values.isNumber(left) && Values.isNumber(right)) {
      return Double.compare(Values.toDouble(left), Values.toDouble(right));
    }
    if (Values.isLargeOrNumber(left) && Values.isLargeOrNumber(right)) {
      return Values.toDecimal(left).compareTo(Values.toDecimal(right));
    }
    if (left instanceof String a && right instanceof String b) {
      budget.charge(Math.min(a.length(), b.length()));
      return Chars.compare(a, b);
    }
    if (left instanceof List<?> a
        && right instanceof List<?> b
        && (a instanceof Tuple) == (b instanceof Tuple)) {
      for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
        if (!equal(a.get(i), b.get(i))) {
          return order(a.get(i), b.get(i), operator);
        }
      }
      return Integer.compare(a.size(), b.size());
    }
    throw mismatch(operator, left, right);
  }

  boolean contains(Object container, Object item) {
    return switch (container) {
      case String text -> {
        String part = Values.toText(item);
        budget.chargeSearch(text, part);
        yield text.contains(part);
      }
      case List<?> list -> containsItem(list, item);
      case Map<?, ?> map -> {
        // Both would do as a key, and no mapping has it.
        boolean never = item instanceof Undefined || item instanceof Tuple;
        yield !never && map.containsKey(Values.key(item));
      }
      case Undefined undefined -> false;
      default ->
          throw new JinjaException("'in' needs a container, not " + Values.describe(container));
    };
  }

  private boolean containsItem(List<?> list, Object item) {
    for (Object element : list) {
      if (equal(element, item)) {
        return true;
      }
    }
    return false;
  }

  /** What a loop over a value goes through. */
  List<Object> iterate(Object value) {
    return switch (value) {
      case List<?> list -> Values.asList(list);
      case Map<?, ?> map -> {
        budget.chargeItems(map.size());
        yield new ArrayList<>(map.keySet());
      }
      case String text -> {
        budget.chargeItems(text.length());
        yield Chars.characters(text);
      }
      case Undefined undefined -> Collections.emptyList();
      default -> throw new JinjaException(Values.describe(value) + " cannot be iterated over");
    };
  }

  private static void fail(Object value) {
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
  }

  private static JinjaException mismatch(String operator, Object left, Object right) {
    return new JinjaException(
        "'%s' does not take %s and %s"
            .formatted(operator, Values.describe(left), Values.describe(right)));
  }
}
