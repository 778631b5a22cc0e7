package dev.kappa.text.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The {@code loop} of a {@code for} body. Its depth counts recursion only, so it is always 1. */
final class Loop {

  private final List<Object> items;
  private final Operators operators;
  private int index;

  /** What {@code changed} was called with last. */
  private @Nullable Object changedTo;

  Loop(List<Object> items, Operators operators) {
    this.items = items;
    this.operators = operators;
  }

  void moveTo(int index) {
    this.index = index;
  }

  Object get(String name) {
    int size = items.size();
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) size - index;
      case "revindex0" -> size - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == size - 1;
      case "length" -> (long) size;
      case "depth" -> 1L;
      case "depth0" -> 0L;
      case "previtem" ->
          index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
      case "nextitem" ->
          index + 1 < size ? items.get(index + 1) : new Undefined("there is no next item");
      case "cycle" -> (Callable) this::cycle;
      case "changed" -> (Callable) this::changed;
      default -> Undefined.member(this, name);
    };
  }

  /** Whether the values differ from those of the call before; true at first. */
  private Object changed(Arguments arguments) {
    Tuple values = new Tuple(arguments.positional());
    boolean changed = changedTo == null || !operators.equal(changedTo, values);
    changedTo = values;
    return changed;
  }

  private Object cycle(Arguments arguments) {
    List<Object> values = arguments.positional();
    if (values.isEmpty()) {
      throw new JinjaException("loop.cycle() needs values");
    }
    return values.get(index % values.size());
  }
}
