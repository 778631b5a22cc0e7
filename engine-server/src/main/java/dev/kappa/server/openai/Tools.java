package dev.kappa.server.openai;

import dev.kappa.grammar.Outline;
import dev.kappa.server.backend.ToolFormat;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The tools that a conversation may call.
 *
 * @param format how the model writes calls
 * @param schemas the schema of each tool's arguments, by its name
 * @param definitions the tools as the template sees them
 * @param forced names of those of which one must be called; empty if the model may choose
 * @param parallel whether there may be several calls
 */
record Tools(
    ToolFormat format,
    Map<String, Schema> schemas,
    List<@Nullable Object> definitions,
    Set<String> forced,
    boolean parallel) {

  /**
   * Arguments of a tool.
   *
   * @param path where the request has them
   */
  record Schema(JsonNode json, String path) {}

  /** What the model's turn begins with where it must call. */
  String opening() {
    // A special token, which no grammar over text can ask for.
    return format == ToolFormat.MISTRAL && !forced.isEmpty() ? "[TOOL_CALLS]" : "";
  }

  /** Whether calls are announced by a token that text usually leaves out. */
  boolean needsSpecialTokens() {
    return format == ToolFormat.MISTRAL;
  }

  /** What the output must be; null if the model may choose. */
  @Nullable Outline outline() {
    if (forced.isEmpty()) {
      return null;
    }
    String arguments = format == ToolFormat.LLAMA ? "parameters" : "arguments";
    List<Outline> calls = new ArrayList<>();
    schemas.forEach((name, schema) -> {
      if (forced.contains(name)) {
        calls.add(
            new Outline.Sequence(
                new Outline.Text("{\"name\": \"" + name + "\", \"" + arguments + "\":"),
                new Outline.Json(schema.json(), schema.path()),
                new Outline.Text("}")));
      }
    });
    Outline call = new Outline.Choice(calls);
    return switch (format) {
      case HERMES ->
          several(
              new Outline.Sequence(
                  new Outline.Text("<tool_call>\n"), call, new Outline.Text("\n</tool_call>")),
              "\n");
      case LLAMA -> call;
      case MISTRAL ->
          new Outline.Sequence(new Outline.Text(" ["), several(call, ", "), new Outline.Text("]"));
    };
  }

  private Outline several(Outline call, String separator) {
    return parallel ? new Outline.Repeated(call, separator) : call;
  }

  /** The variables of a template, with the tools. */
  Map<String, @Nullable Object> addTo(Map<String, @Nullable Object> variables) {
    Map<String, @Nullable Object> all = new LinkedHashMap<>(variables);
    all.put("tools", definitions);
    return all;
  }
}
