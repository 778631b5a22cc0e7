package dev.kappa.text.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Python's {@code format % values} for the conversions s, r, d, i, x, f and %. */
final class PercentFormat {

  private static final Pattern CONVERSION =
      Pattern.compile("%(?:\\((\\w+)\\))?([-0+ ]*)(\\d{0,9})(?:\\.(\\d{0,3}))?(.)", Pattern.DOTALL);

  private PercentFormat() {}

  static String format(String format, Object values, Budget budget) {
    budget.charge(format.length());
    Iterator<?> arguments =
        values instanceof Tuple tuple ? tuple.iterator() : List.of(values).iterator();
    Matcher matcher = CONVERSION.matcher(format);
    StringBuilder out = new StringBuilder();
    int from = 0;
    while (matcher.find()) {
      out.append(format, from, matcher.start());
      from = matcher.end();
      if (matcher.group(5).equals("%")) {
        out.append('%');
        continue;
      }
      Object value;
      if (matcher.group(1) != null) {
        value = named(values, matcher.group(1));
      } else if (arguments.hasNext()) {
        value = arguments.next();
      } else {
        throw new JinjaException("not enough values for the format string");
      }
      out.append(convert(matcher, value, budget));
    }
    // Whatever Python takes for a mapping, lists included, may have values that are not used.
    boolean mayBeLeft =
        !(values instanceof Tuple) && (values instanceof List || values instanceof Map);
    if (arguments.hasNext() && !mayBeLeft && !(values instanceof Undefined)) {
      throw new JinjaException("too many values for the format string");
    }
    budget.charge(out.length());
    return out.append(format, from, format.length()).toString();
  }

  private static Object named(Object values, String name) {
    Object value = Values.toMap(values).get(name);
    if (value == null) {
      throw new JinjaException("the format string's value '" + name + "' is missing");
    }
    return value;
  }

  private static String convert(Matcher matcher, Object value, Budget budget) {
    String flags = matcher.group(2);
    int width = matcher.group(3).isEmpty() ? 0 : Integer.parseInt(matcher.group(3));
    @Nullable String precision = matcher.group(4);
    String text =
        switch (matcher.group(5)) {
          case "s" -> cut(Printer.str(value, budget), precision);
          case "r" -> cut(Printer.repr(value, budget), precision);
          case "d", "i" ->
              signed(value instanceof Double d ? (long) (double) d : Values.toLong(value), flags);
          case "x" -> Long.toString(Values.toLong(value), 16);
          case "f" -> {
            int digits =
                precision == null ? 6 : precision.isEmpty() ? 0 : Integer.parseInt(precision);
            String number = decimal(Values.toDouble(value), digits);
            yield number.startsWith("-") ? number : plus(flags) + number;
          }
          default ->
              throw new JinjaException(
                  "format conversion %" + matcher.group(5) + " is not supported");
        };
    int missing = Math.max(0, width - Chars.length(text));
    budget.charge(missing);
    boolean zero = flags.contains("0") && !flags.contains("-") && "dixf".contains(matcher.group(5));
    if (zero) {
      int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
      return text.substring(0, sign) + "0".repeat(missing) + text.substring(sign);
    }
    return flags.contains("-") ? text + " ".repeat(missing) : " ".repeat(missing) + text;
  }

  private static String decimal(double value, int digits) {
    return Double.isNaN(value) || Double.isInfinite(value)
        ? Printer.decimal(value)
        : new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
  }

  private static String signed(long value, String flags) {
    return value < 0 ? Long.toString(value) : plus(flags) + value;
  }

  private static String plus(String flags) {
    return flags.contains("+") ? "+" : flags.contains(" ") ? " " : "";
  }

  private static String cut(String text, @Nullable String precision) {
    if (precision == null || precision.isEmpty()) {
      return precision == null ? text : "";
    }
    int most = Integer.parseInt(precision);
    return Chars.length(text) <= most ? text : text.substring(0, text.offsetByCodePoints(0, most));
  }
}
