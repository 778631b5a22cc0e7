package dev.kappa.text.jinja;

import static dev.kappa.text.jinja.Arguments.ABSENT;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes a value as Python's {@code json.dumps} does. Used once. */
final class JsonWriter {

  private final Rendering rendering;
  private final StringBuilder out = new StringBuilder();
  private final boolean ascii;
  private final boolean sorted;
  private final @Nullable String indent;
  private final String itemSeparator;
  private final String keySeparator;

  /** Options in order ensure_ascii, indent, separators, sort_keys, absent or as given. */
  JsonWriter(Rendering rendering, Object[] options) {
    this.rendering = rendering;
    ascii = options[0] != ABSENT && Values.isTrue(options[0]);
    sorted = options[3] != ABSENT && Values.isTrue(options[3]);
    Object margin = options[1] == ABSENT ? None.NONE : options[1];
    if (Values.isInteger(margin)) {
      rendering.budget().charge(Math.max(0, Values.toInt(margin)));
      indent = " ".repeat(Math.max(0, Values.toInt(margin)));
    } else {
      indent = margin == None.NONE ? null : Values.toText(margin);
    }
    if (options[2] == ABSENT || options[2] == None.NONE) {
      itemSeparator = indent == null ? ", " : ",";
      keySeparator = ": ";
    } else {
      List<Object> pair = rendering.operators().iterate(options[2]);
      if (pair.size() != 2) {
        throw new JinjaException("tojson() separators must be two strings");
      }
      itemSeparator = Values.toText(pair.get(0));
      keySeparator = Values.toText(pair.get(1));
    }
  }

  String write(Object value) {
    write(value, 1);
    return out.toString();
  }

  private void write(Object value, int depth) {
    rendering.budget().charge(1);
    switch (value) {
      case String text -> quote(text);
      case None none -> out.append("null");
      case Boolean b -> out.append(b);
      case Long l -> out.append(l);
      case BigInteger i -> out.append(i);
      case Double d -> out.append(number(d));
      case List<?> list -> {
        out.append('[');
        for (int i = 0; i < list.size(); i++) {
          separate(i == 0, depth);
          write(list.get(i), depth + 1);
        }
        close(list.isEmpty(), depth, ']');
      }
      case Map<?, ?> map -> writeMap(map, depth);
      case Undefined undefined -> throw undefined.failure();
      default -> throw new JinjaException(Values.describe(value) + " cannot be written as JSON");
    }
  }

  private void writeMap(Map<?, ?> map, int depth) {
    List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
    if (sorted) {
      entries.sort((a, b) -> rendering.operators().order(a.getKey(), b.getKey(), "<"));
    }
    out.append('{');
    boolean first = true;
    for (Map.Entry<?, ?> entry : entries) {
      separate(first, depth);
      first = false;
      quote(key(entry.getKey()));
      out.append(keySeparator);
      write(entry.getValue(), depth + 1);
    }
    close(map.isEmpty(), depth, '}');
  }

  private static String key(Object key) {
    return switch (key) {
      case String text -> text;
      case None none -> "null";
      case Double d -> number(d);
      default -> key.toString();
    };
  }

  private static String number(double value) {
    if (Double.isNaN(value)) {
      return "NaN";
    }
    return Double.isInfinite(value)
        ? (value > 0 ? "Infinity" : "-Infinity")
        : Printer.decimal(value);
  }

  private void separate(boolean first, int depth) {
    if (!first) {
      out.append(itemSeparator);
    }
    newLine(depth);
  }

  private void close(boolean empty, int depth, char bracket) {
    if (!empty) {
      newLine(depth - 1);
    }
    out.append(bracket);
  }

  private void newLine(int depth) {
    if (indent != null) {
      rendering.budget().charge(depth, indent.length());
      out.append('\n').append(indent.repeat(depth));
    }
  }

  private void quote(String text) {
    rendering.budget().charge(text.length());
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < 0x20 || (ascii && c > 0x7E)) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
