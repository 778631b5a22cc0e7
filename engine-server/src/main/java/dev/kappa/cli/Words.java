package dev.kappa.cli;

import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.StorePolicy;
import dev.kappa.schedule.SchedulePolicy;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Constants as words with hyphens: WRITE_BACK is {@code write-back}. */
public abstract class Words<E extends Enum<E>> implements ITypeConverter<E>, Iterable<String> {

  private final List<E> values;

  private Words(E[] values) {
    this.values = List.of(values);
  }

  @Override
  public E convert(String word) {
    String name = word.toUpperCase(Locale.ROOT).replace('-', '_');
    return values.stream()
        .filter(value -> value.name().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new TypeConversionException(
                "expected one of %s but was '%s'".formatted(String.join(", ", this), word)));
  }

  @Override
  public Iterator<String> iterator() {
    return words().iterator();
  }

  private Stream<String> words() {
    return values.stream().map(value -> value.name().toLowerCase(Locale.ROOT).replace('_', '-'));
  }

  /** For {@code --kv-store-policy}. */
  public static final class StorePolicies extends Words<StorePolicy> {

    /** For picocli. */
    public StorePolicies() {
      super(StorePolicy.values());
    }
  }

  static final class SchedulePolicies extends Words<SchedulePolicy> {
    SchedulePolicies() {
      super(SchedulePolicy.values());
    }
  }

  static final class RestoreModes extends Words<RestoreMode> {
    RestoreModes() {
      super(RestoreMode.values());
    }
  }
}
