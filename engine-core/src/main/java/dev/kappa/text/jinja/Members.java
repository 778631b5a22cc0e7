package dev.kappa.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Attributes, items and slices of values. */
final class Members {

  private final Rendering rendering;

  Members(Rendering rendering) {
    this.rendering = rendering;
  }

  /** {@code owner.name}: a method goes before a mapping's entry of the same name. */
  Object attribute(Object owner, String name) {
    return switch (owner) {
      case Undefined undefined -> throw undefined.failure();
      case Map<?, ?> map -> {
        if (CollectionMethods.isMapMethod(name)) {
          yield (Callable)
              arguments -> CollectionMethods.call(rendering, Values.toMap(map), name, arguments);
        }
        if (CollectionMethods.changesMap(name)) {
          yield unsafe(name);
        }
        Object value = map.get(name);
        yield value == null ? Undefined.member(owner, name) : value;
      }
      case String text when StringMethods.exists(name) ->
          (Callable) arguments -> StringMethods.call(rendering, text, name, arguments);
      case List<?> list when CollectionMethods.isListMethod(name) ->
          (Callable)
              arguments -> CollectionMethods.call(rendering, Values.asList(list), name, arguments);
      case List<?> list when CollectionMethods.changesList(name) -> unsafe(name);
      case Namespace namespace -> namespace.get(name);
      case Loop loop -> loop.get(name);
      case Macro macro when name.equals("name") -> macro.body().name();
      default -> Undefined.member(owner, name);
    };
  }

  private static Undefined unsafe(String name) {
    return new Undefined("'" + name + "' is not allowed: templates cannot change values");
  }

  /** {@code owner[key]}: an entry goes before a method of the same name. */
  Object item(Object owner, Object key) {
    if (owner instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (owner instanceof Map<?, ?> map && Values.isKey(key)) {
      Object value = map.get(Values.key(key));
      if (value != null) {
        return value;
      }
    }
    if (Values.isInteger(key) && owner instanceof List<?> list) {
      long index = fromEnd(Values.toLong(key), list.size());
      return index < 0 || index >= list.size()
          ? Undefined.member(owner, key)
          : list.get((int) index);
    }
    if (Values.isInteger(key) && owner instanceof String text) {
      rendering.budget().charge(text.length());
      int length = Chars.length(text);
      long index = fromEnd(Values.toLong(key), length);
      return index < 0 || index >= length
          ? Undefined.member(owner, key)
          : Character.toString(text.codePointAt(text.offsetByCodePoints(0, (int) index)));
    }
    return key instanceof String name ? attribute(owner, name) : Undefined.member(owner, key);
  }

  private static long fromEnd(long index, int size) {
    return index < 0 ? index + size : index;
  }

  /** {@code owner[start:stop:step]}; a bound that is None was left out. */
  Object slice(Object owner, Object start, Object stop, Object step) {
    return switch (owner) {
      case Undefined undefined -> throw undefined.failure();
      case String text -> {
        rendering.budget().charge(text.length());
        int[] characters = text.codePoints().toArray();
        StringBuilder out = new StringBuilder();
        for (int index : indices(characters.length, start, stop, step)) {
          out.appendCodePoint(characters[index]);
        }
        yield out.toString();
      }
      case List<?> list -> {
        rendering.budget().chargeItems(list.size());
        List<Object> out = new ArrayList<>();
        for (int index : indices(list.size(), start, stop, step)) {
          out.add(list.get(index));
        }
        yield owner instanceof Tuple ? new Tuple(out) : out;
      }
      default -> throw new JinjaException(Values.describe(owner) + " cannot be sliced");
    };
  }

  /** Python's {@code slice.indices}. */
  private static int[] indices(int size, Object start, Object stop, Object step) {
    long by = step == None.NONE ? 1 : Values.toLong(step);
    if (by == 0) {
      throw new JinjaException("slice step cannot be zero");
    }
    long lowest = by > 0 ? 0 : -1;
    long highest = by > 0 ? size : size - 1;
    long from = bound(start, by > 0 ? lowest : highest, size, lowest, highest);
    long to = bound(stop, by > 0 ? highest : lowest, size, lowest, highest);
    long span = by > 0 ? to - from : from - to;
    long stride = by == Long.MIN_VALUE ? Long.MAX_VALUE : Math.abs(by);
    int[] indices = new int[span <= 0 ? 0 : (int) ((span - 1) / stride + 1)];
    for (int i = 0; i < indices.length; i++) {
      indices[i] = (int) (from + i * by);
    }
    return indices;
  }

  private static long bound(Object value, long missing, int size, long lowest, long highest) {
    return value == None.NONE
        ? missing
        : Math.clamp(fromEnd(Values.toLong(value), size), lowest, highest);
  }
}
