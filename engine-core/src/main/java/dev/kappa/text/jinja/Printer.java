package dev.kappa.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.List;
import java.util.Map;

/** Values as text: Python's {@code str} and {@code repr}. */
final class Printer {

  private final Budget budget;
  private final StringBuilder out;

  private Printer(Budget budget, StringBuilder out) {
    this.budget = budget;
    this.out = out;
  }

  static String str(Object value, Budget budget) {
    if (value instanceof String text) {
      return text;
    }
    StringBuilder out = new StringBuilder();
    if (!(value instanceof Undefined)) {
      new Printer(budget, out).repr(value);
    }
    return out.toString();
  }

  static String repr(Object value, Budget budget) {
    StringBuilder out = new StringBuilder();
    new Printer(budget, out).repr(value);
    return out.toString();
  }

  private void repr(Object value) {
    budget.charge(1);
    switch (value) {
      case String text -> quote(text);
      case None none -> out.append("None");
      case Boolean b -> out.append(b ? "True" : "False");
      case Long l -> out.append(l);
      case BigInteger i -> out.append(i);
      case Double d -> out.append(decimal(d));
      case Undefined undefined -> out.append("Undefined");
      case Tuple tuple -> {
        items("(", tuple);
        out.append(tuple.size() == 1 ? ",)" : ")");
      }
      case List<?> list -> {
        items("[", list);
        out.append(']');
      }
      case Map<?, ?> map -> {
        String separator = "{";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          out.append(separator);
          repr(entry.getKey());
          out.append(": ");
          repr(entry.getValue());
          separator = ", ";
        }
        out.append(map.isEmpty() ? "{}" : "}");
      }
      default -> out.append('<').append(Values.describe(value)).append('>');
    }
  }

  private void items(String open, List<?> items) {
    out.append(open);
    String separator = "";
    for (Object item : items) {
      out.append(separator);
      repr(item);
      separator = ", ";
    }
  }

  private void quote(String text) {
    budget.charge(text.length());
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    out.append(quote);
    text.codePoints().forEach(c -> escape(c, quote));
    out.append(quote);
  }

  private void escape(int c, char quote) {
    switch (c) {
      case '\\' -> out.append("\\\\");
      case '\n' -> out.append("\\n");
      case '\r' -> out.append("\\r");
      case '\t' -> out.append("\\t");
      default -> {
        if (c == quote) {
          out.append('\\').append(quote);
        } else if (isPrintable(c)) {
          out.appendCodePoint(c);
        } else {
          out.append(String.format(c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
        }
      }
    }
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  /** The fewest digits that identify the value: Double.toString, which gives at least two. */
  private static BigDecimal shortest(double value) {
    BigDecimal digits = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    BigDecimal one = digits.round(new MathContext(1));
    return one.doubleValue() == value ? one.stripTrailingZeros() : digits;
  }

  /** Python's shortest form: exponents from 10¹⁶ up and below 10⁻⁴. */
  static String decimal(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal digits = shortest(value);
    int exponent = digits.precision() - digits.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      return digits.scale() <= 0 ? digits.toBigInteger() + ".0" : digits.toPlainString();
    }
    String all = digits.unscaledValue().abs().toString();
    String mantissa = all.length() == 1 ? all : all.charAt(0) + "." + all.substring(1);
    return "%s%se%s%02d"
        .formatted(value < 0 ? "-" : "", mantissa, exponent < 0 ? "-" : "+", Math.abs(exponent));
  }
}
