package dev.kappa.text.jinja;

import static dev.kappa.text.jinja.Arguments.ABSENT;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** Filters that give numbers, and {@code default}. */
final class NumberFilters {

  private static final Pattern DECIMAL =
      Pattern.compile("[-+]?(\\d+\\.?\\d*|\\.\\d+)(e[-+]?\\d+)?");

  private NumberFilters() {}

  static void register(Map<String, Filters.Function> filters) {
    filters.put("int", NumberFilters::toInt);
    filters.put("float", NumberFilters::toFloat);
    filters.put("round", NumberFilters::round);
    filters.put("abs", NumberFilters::abs);
    filters.put("length", NumberFilters::length);
    filters.put("count", NumberFilters::length);
    filters.put("default", NumberFilters::orDefault);
    filters.put("d", NumberFilters::orDefault);
  }

  private static Object orDefault(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("default", "default_value=", "boolean=");
    boolean falseToo = given[1] != ABSENT && Values.isTrue(given[1]);
    boolean missing = value instanceof Undefined || (falseToo && !Values.isTrue(value));
    return !missing ? value : given[0] == ABSENT ? "" : given[0];
  }

  private static Object length(Rendering rendering, Object value, Arguments arguments) {
    return switch (value) {
      case String text -> {
        rendering.budget().charge(text.length());
        yield (long) Chars.length(text);
      }
      case List<?> list -> (long) list.size();
      case Map<?, ?> map -> (long) map.size();
      case Undefined undefined -> 0L;
      default -> throw new JinjaException(Values.describe(value) + " has no length");
    };
  }

  private static Object abs(Rendering rendering, Object value, Arguments arguments) {
    return value instanceof Double d ? (Object) Math.abs(d) : Math.absExact(Values.toLong(value));
  }

  private static Object toInt(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("int", "default=", "base=");
    Object otherwise = given[0] == ABSENT ? (Object) 0L : given[0];
    int base = given[1] == ABSENT ? 10 : Values.toInt(given[1]);
    return switch (value) {
      case Long l -> l;
      case Boolean b -> Values.toLong(b);
      case Double d -> Double.isNaN(d) || Double.isInfinite(d) ? otherwise : (long) (double) d;
      case String text -> {
        rendering.budget().charge(text.length());
        yield parseInt(text, base, otherwise);
      }
      case Undefined undefined -> throw undefined.failure();
      default -> otherwise;
    };
  }

  private static Object parseInt(String text, int base, Object otherwise) {
    String digits = Chars.strip(text).replace("_", "");
    String lower = digits.toLowerCase(Locale.ROOT);
    if ((base == 16 && lower.startsWith("0x"))
        || (base == 8 && lower.startsWith("0o"))
        || (base == 2 && lower.startsWith("0b"))) {
      digits = digits.substring(2);
    }
    try {
      return Long.parseLong(digits, base);
    } catch (NumberFormatException e) {
      Object decimal = parseDecimal(text, otherwise);
      return decimal instanceof Double d && !Double.isNaN(d) && !Double.isInfinite(d)
          ? (Object) d.longValue()
          : otherwise;
    }
  }

  private static Object toFloat(Rendering rendering, Object value, Arguments arguments) {
    Object given = arguments.bind("float", "default=")[0];
    Object otherwise = given == ABSENT ? (Object) 0.0 : given;
    return switch (value) {
      case Double d -> d;
      case Long l -> (double) l;
      case Boolean b -> Values.toDouble(b);
      case String text -> {
        rendering.budget().charge(text.length());
        yield parseDecimal(text, otherwise);
      }
      case Undefined undefined -> throw undefined.failure();
      default -> otherwise;
    };
  }

  private static Object parseDecimal(String text, Object otherwise) {
    String digits = Chars.strip(text).toLowerCase(Locale.ROOT);
    return switch (digits) {
      case "nan" -> Double.NaN;
      case "inf", "infinity", "+inf" -> Double.POSITIVE_INFINITY;
      case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
      // Java alone takes a type suffix and hexadecimal floats.
      default -> DECIMAL.matcher(digits).matches() ? (Object) Double.valueOf(digits) : otherwise;
    };
  }

  private static Object round(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("round", "precision=", "method=");
    int precision = given[0] == ABSENT ? 0 : Math.clamp(Values.toLong(given[0]), -400, 400);
    String method = given[1] == ABSENT ? "common" : Values.toText(given[1]);
    if (method.equals("common") && Values.isInteger(value) && precision >= 0) {
      return Values.toLong(value);
    }
    double number = Values.toDouble(value);
    if (Double.isNaN(number) || Double.isInfinite(number)) {
      return number;
    }
    return switch (method) {
      case "common" -> {
        // The exact binary value, halves to even, as Python.
        double rounded =
            new BigDecimal(number).setScale(precision, RoundingMode.HALF_EVEN).doubleValue();
        double signed = rounded == 0 ? Math.copySign(0.0, number) : rounded;
        yield Values.isInteger(value) ? (Object) (long) signed : signed;
      }
      case "ceil", "floor" -> {
        double scale = new BigDecimal(10).pow(precision, MathContext.DECIMAL64).doubleValue();
        double scaled = number * scale;
        yield (method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
      }
      default -> throw new JinjaException("round() method must be common, ceil or floor");
    };
  }
}
