package dev.kappa.server.openai;

import dev.kappa.grammar.Outline;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads {@code response_format}. */
final class FormatField {

  static final String NAME = "response_format";

  private static final String SCHEMA_PATH = NAME + ".json_schema.schema";

  private FormatField() {}

  /** What the output must be; null for any text. */
  static @Nullable Outline read(JsonFields fields) {
    JsonFields format = fields.object(NAME);
    if (format == null) {
      return null;
    }
    String type = format.string("type");
    if (type == null) {
      throw JsonFields.bad(format.path("type"), format.path("type") + " is missing");
    }
    Outline outline =
        switch (type) {
          case "text" -> null;
          case "json_object" -> GrammarCache.ANY_OBJECT;
          case "json_schema" -> new Outline.Json(schema(format), SCHEMA_PATH);
          default ->
              throw JsonFields.bad(
                  format.path("type"),
                  format.path("type") + " must be text, json_object or json_schema");
        };
    format.rejectUnread();
    return outline;
  }

  private static JsonNode schema(JsonFields format) {
    JsonFields named = format.object("json_schema");
    if (named == null) {
      throw JsonFields.bad(format.path("json_schema"), format.path("json_schema") + " is missing");
    }
    if (named.string("name") == null) {
      throw JsonFields.bad(named.path("name"), named.path("name") + " is missing");
    }
    named.string("description");
    // Outputs satisfy the schema whether it is strict or not.
    named.bool("strict", true);
    JsonNode schema = named.get("schema");
    if (schema == null) {
      throw JsonFields.bad(SCHEMA_PATH, SCHEMA_PATH + " is missing");
    }
    named.rejectUnread();
    return schema;
  }
}
