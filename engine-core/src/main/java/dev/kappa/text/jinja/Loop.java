package dev.kappa.text.jinja;

import java.util.List;

/** The {@code loop} of a {@code for} body. Its depth counts recursion only, so it is always 1. */
final class Loop {

  private final List<Object> items;
  private int index;

  Loop(List<Object> items) {
    this.items = items;
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
      default -> Undefined.member(this, name);
    };
  }

  private Object cycle(Arguments arguments) {
    List<Object> values = arguments.positional();
    if (values.isEmpty()) {
      throw new JinjaException("loop.cycle() needs values");
    }
    return values.get(index % values.size());
  }
}
