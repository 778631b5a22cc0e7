package dev.kappa.server.backend;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model as clients see it.
 *
 * @param names what it answers to; the first is what it calls itself
 * @param created when it was loaded, seconds since 1970
 * @param backend runs it
 * @param chat renders conversations; null if the model has no chat template
 * @param defaults sampling of requests that do not say
 */
public record ServedModel(
    List<String> names,
    long created,
    InferenceBackend backend,
    @Nullable ChatRenderer chat,
    SamplingDefaults defaults) {

  public ServedModel {
    names = List.copyOf(names);
    if (names.isEmpty()) {
      throw new IllegalArgumentException("a served model needs a name");
    }
  }

  /** What the model calls itself in answers. */
  public String name() {
    return names.getFirst();
  }
}
