package dev.kappa.cli;

import dev.kappa.roofline.Gpu;
import dev.kappa.roofline.Link;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Things by the short names that they have themselves. */
abstract class Ids<T> implements ITypeConverter<T>, Iterable<String> {

  private final Map<String, T> values = new LinkedHashMap<>();

  private Ids(T[] all, Function<T, String> id) {
    for (T value : all) {
      values.put(id.apply(value), value);
    }
  }

  @Override
  public T convert(String id) {
    T value = values.get(id.toLowerCase(Locale.ROOT));
    if (value == null) {
      throw new TypeConversionException(
          "expected one of %s but was '%s'".formatted(String.join(", ", this), id));
    }
    return value;
  }

  @Override
  public Iterator<String> iterator() {
    return values.keySet().iterator();
  }

  static final class Gpus extends Ids<Gpu> {
    Gpus() {
      super(Gpu.values(), Gpu::id);
    }
  }

  static final class Links extends Ids<Link> {
    Links() {
      super(Link.values(), Link::id);
    }
  }
}
