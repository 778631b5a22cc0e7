package dev.kappa.text.jinja;

import static dev.kappa.text.jinja.Arguments.ABSENT;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Filters over sequences and mappings as a whole. */
final class ListFilters {

  private ListFilters() {}

  static void register(Map<String, Filters.Function> filters) {
    filters.put("list", (rendering, value, arguments) -> copy(rendering, value));
    filters.put("first", (rendering, value, arguments) -> end(rendering, value, true));
    filters.put("last", (rendering, value, arguments) -> end(rendering, value, false));
    filters.put("join", ListFilters::join);
    filters.put("items", ListFilters::items);
    filters.put("reverse", ListFilters::reverse);
    filters.put("sort", ListFilters::sort);
    filters.put("dictsort", ListFilters::dictSort);
    filters.put("unique", ListFilters::unique);
    filters.put("min", (rendering, value, arguments) -> extreme(rendering, value, arguments, -1));
    filters.put("max", (rendering, value, arguments) -> extreme(rendering, value, arguments, 1));
    filters.put("sum", ListFilters::sum);
    filters.put("batch", ListFilters::batch);
  }

  static List<Object> copy(Rendering rendering, Object value) {
    List<Object> items = rendering.operators().iterate(value);
    rendering.budget().chargeItems(items.size());
    return new ArrayList<>(items);
  }

  private static Object end(Rendering rendering, Object value, boolean first) {
    List<Object> items = rendering.operators().iterate(value);
    if (items.isEmpty()) {
      return new Undefined("no " + (first ? "first" : "last") + " item, the sequence is empty");
    }
    return first ? items.getFirst() : items.getLast();
  }

  private static Object join(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("join", "d=", "attribute=");
    String separator = given[0] == ABSENT ? "" : rendering.str(given[0]);
    UnaryOperator<Object> attribute = SelectFilters.attribute(rendering, given[1]);
    StringBuilder out = new StringBuilder();
    boolean first = true;
    for (Object item : rendering.operators().iterate(value)) {
      String text = rendering.str(attribute.apply(item));
      rendering.budget().charge((long) separator.length() + text.length());
      if (!first) {
        out.append(separator);
      }
      first = false;
      out.append(text);
    }
    return out.toString();
  }

  private static Object items(Rendering rendering, Object value, Arguments arguments) {
    return value instanceof Undefined
        ? List.of()
        : CollectionMethods.call(rendering, Values.toMap(value), "items", Arguments.NONE);
  }

  private static Object reverse(Rendering rendering, Object value, Arguments arguments) {
    if (value instanceof String text) {
      rendering.budget().charge(text.length());
      return new StringBuilder(text).reverse().toString();
    }
    return copy(rendering, value).reversed();
  }

  private static Object sort(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("sort", "reverse=", "case_sensitive=", "attribute=");
    UnaryOperator<Object> key = key(rendering, given[2], given[1]);
    List<Object> items = copy(rendering, value);
    Comparator<Object> order =
        (a, b) -> rendering.operators().order(key.apply(a), key.apply(b), "<");
    items.sort(given[0] != ABSENT && Values.isTrue(given[0]) ? order.reversed() : order);
    return items;
  }

  private static Object dictSort(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("dictsort", "case_sensitive=", "by=", "reverse=");
    String by = given[1] == ABSENT ? "key" : Values.toText(given[1]);
    if (!by.equals("key") && !by.equals("value")) {
      throw new JinjaException("dictsort() sorts by 'key' or 'value'");
    }
    UnaryOperator<Object> key = key(rendering, by.equals("key") ? 0L : 1L, given[0]);
    List<Object> items = copy(rendering, items(rendering, value, Arguments.NONE));
    Comparator<Object> order =
        (a, b) -> rendering.operators().order(key.apply(a), key.apply(b), "<");
    items.sort(given[2] != ABSENT && Values.isTrue(given[2]) ? order.reversed() : order);
    return items;
  }

  private static Object unique(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("unique", "case_sensitive=", "attribute=");
    UnaryOperator<Object> key = key(rendering, given[1], given[0]);
    List<Object> keys = new ArrayList<>();
    List<Object> items = new ArrayList<>();
    for (Object item : rendering.operators().iterate(value)) {
      Object itemKey = key.apply(item);
      if (!rendering.operators().contains(keys, itemKey)) {
        keys.add(itemKey);
        items.add(item);
      }
    }
    return items;
  }

  private static Object extreme(Rendering rendering, Object value, Arguments arguments, int sign) {
    Object[] given = arguments.bind(sign > 0 ? "max" : "min", "case_sensitive=", "attribute=");
    UnaryOperator<Object> key = key(rendering, given[1], given[0]);
    List<Object> items = rendering.operators().iterate(value);
    if (items.isEmpty()) {
      return new Undefined("no item, the sequence is empty");
    }
    Object best = items.getFirst();
    for (Object item : items) {
      if (sign * rendering.operators().order(key.apply(item), key.apply(best), "<") > 0) {
        best = item;
      }
    }
    return best;
  }

  private static Object sum(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("sum", "attribute=", "start=");
    UnaryOperator<Object> attribute = SelectFilters.attribute(rendering, given[0]);
    Object total = given[1] == ABSENT ? (Object) 0L : given[1];
    for (Object item : rendering.operators().iterate(value)) {
      total = rendering.operators().binary("+", total, attribute.apply(item));
    }
    return total;
  }

  private static Object batch(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("batch", "linecount", "fill_with=");
    int size = Values.toInt(given[0]);
    if (size < 1) {
      throw new JinjaException("batch() needs a size of 1 or more");
    }
    List<Object> batches = new ArrayList<>();
    List<Object> items = copy(rendering, value);
    for (int from = 0; from < items.size(); from += size) {
      List<Object> batch =
          new ArrayList<>(items.subList(from, Math.min(items.size() - from, size) + from));
      if (given[1] != ABSENT && given[1] != None.NONE) {
        rendering.budget().chargeItems(size);
        while (batch.size() < size) {
          batch.add(given[1]);
        }
      }
      batches.add(batch);
    }
    return batches;
  }

  /** The sort key: an attribute, in lower case unless the case matters. */
  private static UnaryOperator<Object> key(
      Rendering rendering, Object attribute, Object caseSensitive) {
    UnaryOperator<Object> get = SelectFilters.attribute(rendering, attribute);
    boolean fold = caseSensitive == ABSENT || !Values.isTrue(caseSensitive);
    return item -> {
      Object value = get.apply(item);
      if (!fold || !(value instanceof String text)) {
        return value;
      }
      rendering.budget().charge(text.length());
      return text.toLowerCase(Locale.ROOT);
    };
  }
}
