package dev.kappa.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values as such: where they come from, their truth, what they are called. */
final class Values {

  private Values() {}

  /**
   * A value from outside, copied: null, Boolean, Number, CharSequence, Collection or Map of these.
   *
   * @throws IllegalArgumentException if it is anything else
   */
  static Object of(@Nullable Object value) {
    return switch (value) {
      case null -> None.NONE;
      case Boolean b -> b;
      case Double d -> d;
      case Float f -> (double) f;
      case Long l -> l;
      case Integer i -> (long) i;
      case Short s -> (long) s;
      case Byte b -> (long) b;
      case BigInteger i -> i.bitLength() < Long.SIZE ? (Object) i.longValue() : i;
      case Number n -> n.doubleValue();
      case CharSequence s -> s.toString();
      case Callable c -> c;
      case Iterable<?> items -> {
        List<Object> copy = new ArrayList<>();
        items.forEach(item -> copy.add(of(item)));
        yield copy;
      }
      case Map<?, ?> map -> {
        Map<Object, Object> copy = new LinkedHashMap<>();
        map.forEach((key, item) -> copy.put(of(key), of(item)));
        yield copy;
      }
      default ->
          throw new IllegalArgumentException(
              "a template cannot use a value of " + value.getClass().getName());
    };
  }

  static boolean isTrue(Object value) {
    return switch (value) {
      case Boolean b -> b;
      case Long l -> l != 0;
      case Double d -> d != 0;
      case BigInteger i -> i.signum() != 0;
      case String s -> !s.isEmpty();
      case List<?> items -> !items.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      case None none -> false;
      case Undefined undefined -> false;
      default -> true;
    };
  }

  /** A value's type for error messages. */
  static String describe(Object value) {
    return switch (value) {
      case None none -> "None";
      case Undefined undefined -> "an undefined value";
      case Boolean b -> "a boolean";
      case Long l -> "an integer";
      case BigInteger i -> "an integer of more than 64 bits";
      case Double d -> "a float";
      case String s -> "a string";
      case Tuple tuple -> "a tuple";
      case List<?> items -> "a list";
      case Map<?, ?> map -> "a mapping";
      case Namespace namespace -> "the namespace";
      case Loop loop -> "loop";
      case Callable callable -> "a function";
      default -> "a value";
    };
  }

  /** A boolean counts as 0 or 1. Larger integers do not count. */
  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  /** Integers of more than 64 bits can be printed and compared, no more. */
  static boolean isLargeOrNumber(Object value) {
    return isNumber(value) || value instanceof BigInteger;
  }

  /** The exact value of what {@link #isLargeOrNumber} holds for; infinities are out of reach. */
  static BigDecimal toDecimal(Object value) {
    if (value instanceof BigInteger large) {
      return new BigDecimal(large);
    }
    double nearest = toDouble(value);
    if (Double.isNaN(nearest) || Double.isInfinite(nearest)) {
      throw new JinjaException(
          nearest + " cannot be compared with an integer of more than 64 bits");
    }
    return value instanceof Double d ? new BigDecimal(d) : BigDecimal.valueOf(toLong(value));
  }

  static boolean isInteger(Object value) {
    return value instanceof Long || value instanceof Boolean;
  }

  static long toLong(Object value) {
    return switch (value) {
      case Long l -> l;
      case Boolean b -> b ? 1 : 0;
      case Undefined undefined -> throw undefined.failure();
      default -> throw new JinjaException(describe(value) + " where an integer is needed");
    };
  }

  static double toDouble(Object value) {
    return value instanceof Double d ? d : toLong(value);
  }

  static String toText(Object value) {
    if (value instanceof String text) {
      return text;
    }
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    throw new JinjaException(describe(value) + " where a string is needed");
  }

  static int toInt(Object value) {
    return Math.clamp(toLong(value), Integer.MIN_VALUE, Integer.MAX_VALUE);
  }

  /** Whether a mapping can have such a key. */
  static boolean isKey(Object value) {
    return value instanceof String || isNumber(value) || value == None.NONE;
  }

  /** The key to look up or store in a mapping. */
  static Object key(Object value) {
    return switch (value) {
      case Double d when d == Math.rint(d) && Math.abs(d) < 1e15 -> d.longValue();
      case String s -> s;
      case Long l -> l;
      case Boolean b -> b;
      case Double d -> d;
      case None none -> none;
      case Undefined undefined -> throw undefined.failure();
      default -> throw new JinjaException(describe(value) + " cannot be a key");
    };
  }

  @SuppressWarnings("unchecked")
  static Map<Object, Object> toMap(Object value) {
    if (value instanceof Map<?, ?>) {
      return (Map<Object, Object>) value;
    }
    throw new JinjaException(describe(value) + " where a mapping is needed");
  }

  @SuppressWarnings("unchecked")
  static List<Object> asList(List<?> items) {
    return (List<Object>) items;
  }
}
