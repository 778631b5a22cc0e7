package dev.kappa.grammar;

import java.util.List;
import tools.jackson.databind.JsonNode;

/** What a text consists of. */
public sealed interface Outline {

  /** Exactly this. */
  record Text(String text) implements Outline {}

  /**
   * JSON of a schema.
   *
   * @param schema JSON Schema, as far as it is supported
   * @param path where the schema comes from, for errors; may be empty
   */
  record Json(JsonNode schema, String path) implements Outline {}

  /** One after the other. */
  record Sequence(List<Outline> parts) implements Outline {
    public Sequence {
      parts = List.copyOf(parts);
    }

    public Sequence(Outline... parts) {
      this(List.of(parts));
    }
  }

  /** Any one of them. */
  record Choice(List<Outline> options) implements Outline {
    public Choice {
      options = List.copyOf(options);
    }
  }

  /** One or more times the same, with something between. */
  record Repeated(Outline part, String separator) implements Outline {}
}
