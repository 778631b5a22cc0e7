package dev.kappa.server.openai;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * A call that a model has written, or a piece of one.
 *
 * @param index its number within the choice
 * @param id null in all pieces but the first, like the name
 * @param arguments JSON, or the next part of it
 */
record ToolCall(int index, @Nullable String id, @Nullable String name, String arguments) {

  /** More arguments of the same call. */
  static ToolCall more(int index, String arguments) {
    return new ToolCall(index, null, null, arguments);
  }

  /** Puts pieces of the same call together. */
  static List<ToolCall> joined(List<ToolCall> pieces) {
    List<ToolCall> calls = new ArrayList<>();
    for (ToolCall piece : pieces) {
      if (!calls.isEmpty() && calls.getLast().index == piece.index) {
        ToolCall first = calls.removeLast();
        calls.add(
            new ToolCall(first.index, first.id, first.name, first.arguments + piece.arguments));
      } else {
        calls.add(piece);
      }
    }
    return calls;
  }

  /**
   * Writes it.
   *
   * @param withIndex as a part of a stream
   */
  void write(JsonGenerator json, boolean withIndex) {
    json.writeStartObject();
    if (withIndex) {
      json.writeNumberProperty("index", index);
    }
    if (name != null) {
      json.writeStringProperty("id", id);
      json.writeStringProperty("type", "function");
    }
    json.writeObjectPropertyStart("function");
    if (name != null) {
      json.writeStringProperty("name", name);
    }
    json.writeStringProperty("arguments", arguments);
    json.writeEndObject();
    json.writeEndObject();
  }
}
