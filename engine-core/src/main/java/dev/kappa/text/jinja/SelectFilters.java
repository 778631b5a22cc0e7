package dev.kappa.text.jinja;

import static dev.kappa.text.jinja.Arguments.ABSENT;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Filters that take each item by itself: {@code map}, {@code select} and their kin. */
final class SelectFilters {

  private SelectFilters() {}

  static void register(Map<String, Filters.Function> filters) {
    filters.put("map", SelectFilters::map);
    filters.put("select", (rendering, value, args) -> select(rendering, value, args, false, true));
    filters.put("reject", (rendering, value, args) -> select(rendering, value, args, false, false));
    filters.put(
        "selectattr", (rendering, value, args) -> select(rendering, value, args, true, true));
    filters.put(
        "rejectattr", (rendering, value, args) -> select(rendering, value, args, true, false));
    filters.put("groupby", SelectFilters::groupBy);
    filters.put(
        "attr",
        (rendering, value, args) ->
            new Members(rendering).attribute(value, Values.toText(args.bind("attr", "name")[0])));
  }

  /** Reads a dotted path of names and indices; the item itself where none is given. */
  static UnaryOperator<Object> attribute(Rendering rendering, Object path) {
    return attribute(rendering, path, ABSENT);
  }

  /** As {@link #attribute(Rendering, Object)}, with a default in place of what is undefined. */
  private static UnaryOperator<Object> attribute(
      Rendering rendering, Object path, Object otherwise) {
    if (path == ABSENT || path == None.NONE) {
      return item -> item;
    }
    Members members = new Members(rendering);
    List<Object> steps = new ArrayList<>();
    if (Values.isInteger(path)) {
      steps.add(path);
    } else {
      rendering.budget().chargeItems(Values.toText(path).length());
      for (String step : Values.toText(path).split("\\.", -1)) {
        steps.add(step.matches("\\d{1,9}") ? (Object) Long.valueOf(step) : step);
      }
    }
    return item -> {
      Object value = item;
      for (Object step : steps) {
        value = members.item(value, step);
        boolean missing = value instanceof Undefined;
        value = missing && otherwise != ABSENT && otherwise != None.NONE ? otherwise : value;
      }
      return value;
    };
  }

  private static Object map(Rendering rendering, Object value, Arguments arguments) {
    List<Object> mapped = new ArrayList<>();
    List<Object> items = rendering.operators().iterate(value);
    if (arguments.positional().isEmpty()) {
      Object[] given = arguments.bind("map", "attribute", "default=");
      UnaryOperator<Object> attribute = attribute(rendering, given[0], given[1]);
      for (Object item : items) {
        mapped.add(attribute.apply(item));
      }
      return mapped;
    }
    String filter = Values.toText(arguments.positional().getFirst());
    for (Object item : items) {
      rendering.budget().chargeItems(1);
      mapped.add(Filters.apply(rendering, filter, item, arguments.from(1)));
    }
    return mapped;
  }

  private static Object select(
      Rendering rendering, Object value, Arguments arguments, boolean byAttribute, boolean wanted) {
    List<Object> positional = arguments.positional();
    int first = byAttribute ? 1 : 0;
    if (positional.size() < first) {
      throw new JinjaException("selectattr() and rejectattr() need an attribute");
    }
    UnaryOperator<Object> attribute =
        attribute(rendering, byAttribute ? positional.getFirst() : ABSENT);
    boolean tested = positional.size() > first;
    String test = tested ? Values.toText(positional.get(first)) : "";
    Arguments rest = tested ? arguments.from(first + 1) : Arguments.NONE;
    List<Object> selected = new ArrayList<>();
    for (Object item : rendering.operators().iterate(value)) {
      rendering.budget().chargeItems(1);
      Object tried = attribute.apply(item);
      boolean holds = tested ? Tests.apply(rendering, test, tried, rest) : Values.isTrue(tried);
      if (holds == wanted) {
        selected.add(item);
      }
    }
    return selected;
  }

  /** Tuples of a key, as the group's first item has it, and its items; sorted by key. */
  private static Object groupBy(Rendering rendering, Object value, Arguments arguments) {
    Object[] given = arguments.bind("groupby", "attribute", "default=", "case_sensitive=");
    UnaryOperator<Object> attribute = attribute(rendering, given[0], given[1]);
    UnaryOperator<Object> key = ListFilters.folding(rendering, attribute, given[2]);
    Operators operators = rendering.operators();
    List<Object> items = ListFilters.sorted(rendering, operators.iterate(value), key, false);
    List<Object> groups = new ArrayList<>();
    List<Object> group = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      group.add(items.get(i));
      Object itemKey = key.apply(items.get(i));
      if (i + 1 == items.size() || !operators.equal(itemKey, key.apply(items.get(i + 1)))) {
        groups.add(Tuple.of(attribute.apply(group.getFirst()), group));
        group = new ArrayList<>();
      }
    }
    return groups;
  }
}
