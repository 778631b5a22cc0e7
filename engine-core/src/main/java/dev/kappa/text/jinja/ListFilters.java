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
    filters.put("slice", ListFilters::slice);
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
    UnaryOperator<Object> key = keys(rendering, given[2], given[1]);
    boolean reverse = given[0] != ABSENT && Values.isTrue(given[0]);
    return sorted(rendering, rendering.operators().iterate(value), key, reverse);
  }

  private record Keyed(Object key, Object item) {}

  /** Sorted by a key, which is taken once of each item; what is equal keeps its order. */
  static List<Object> sorted(
      Rendering rendering, List<?> items, UnaryOperator<Object> key, boolean reverse) {
    rendering.budget().chargeItems(items.size());
    List<Keyed> keyed = new ArrayList<>(items.size());
    items.forEach(item -> keyed.add(new Keyed(key.apply(item), item)));
    Comparator<Keyed> order = (a, b) -> rendering.operators().order(a.key(), b.key(), "<");
    keyed.sort(reverse ? order.reversed() : order);
    List<Object> sorted = new ArrayList<>(keyed.size());
    keyed.forEach(pair -> sorted.add(pair.item()));
    return sorted;
  }

  private static Object dictSort(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("dictsort", "case_sensitive=", "by=", "reverse=");
    String by = given[1] == ABSENT ? "key" : Values.toText(given[1]);
    if (!by.equals("key") && !by.equals("value")) {
      throw new JinjaException("dictsort() sorts by 'key' or 'value'");
    }
    UnaryOperator<Object> key = key(rendering, by.equals("key") ? 0L : 1L, given[0]);
    List<?> items = (List<?>) items(rendering, value, Arguments.NONE);
    boolean reverse = given[2] != ABSENT && Values.isTrue(given[2]);
    return sorted(rendering, items, key, reverse);
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
    Object bestKey = key.apply(best);
    for (Object item : items.subList(1, items.size())) {
      Object itemKey = key.apply(item);
      if (sign * rendering.operators().order(itemKey, bestKey, "<") > 0) {
        best = item;
        bestKey = itemKey;
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

  /** So many lists in order, the first ones longer by one where it does not come out even. */
  private static Object slice(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("slice", "slices", "fill_with=");
    int slices = Values.toInt(given[0]);
    if (slices < 1) {
      throw new JinjaException("slice() needs 1 slice or more");
    }
    List<Object> items = copy(rendering, value);
    rendering.budget().chargeItems(slices);
    int longer = items.size() % slices;
    List<Object> all = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < slices; i++) {
      int to = from + items.size() / slices + (i < longer ? 1 : 0);
      List<Object> slice = new ArrayList<>(items.subList(from, to));
      if (i >= longer && given[1] != ABSENT && given[1] != None.NONE) {
        slice.add(given[1]);
      }
      all.add(slice);
      from = to;
    }
    return all;
  }

  /** A sort key of one or more attributes with commas between: their list. */
  private static UnaryOperator<Object> keys(
      Rendering rendering, Object attributes, Object caseSensitive) {
    List<UnaryOperator<Object>> keys = new ArrayList<>();
    if (attributes instanceof String text) {
      rendering.budget().chargeItems(text.length());
      for (String attribute : text.split(",", -1)) {
        keys.add(key(rendering, attribute, caseSensitive));
      }
    } else {
      keys.add(key(rendering, attributes, caseSensitive));
    }
    return item -> {
      rendering.budget().chargeItems(keys.size());
      List<Object> values = new ArrayList<>(keys.size());
      keys.forEach(key -> values.add(key.apply(item)));
      return values;
    };
  }

  /** The sort key: an attribute, in lower case unless the case matters. */
  private static UnaryOperator<Object> key(
      Rendering rendering, Object attribute, Object caseSensitive) {
    UnaryOperator<Object> get = SelectFilters.attribute(rendering, attribute);
    return folding(rendering, get, caseSensitive);
  }

  /** Keys in lower case unless the case matters. */
  static UnaryOperator<Object> folding(
      Rendering rendering, UnaryOperator<Object> key, Object caseSensitive) {
    boolean fold = caseSensitive == ABSENT || !Values.isTrue(caseSensitive);
    return item -> {
      Object value = key.apply(item);
      if (!fold || !(value instanceof String text)) {
        return value;
      }
      rendering.budget().charge(text.length());
      return text.toLowerCase(Locale.ROOT);
    };
  }
}
