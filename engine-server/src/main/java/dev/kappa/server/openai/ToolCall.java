package dev.kappa.server.openai;

import tools.jackson.core.JsonGenerator;

/**
 * A call that a model has written.
 *
 * @param index its number within the choice
 * @param arguments a JSON object
 */
record ToolCall(int index, String id, String name, String arguments) {

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
    json.writeStringProperty("id", id);
    json.writeStringProperty("type", "function");
    json.writeObjectPropertyStart("function");
    json.writeStringProperty("name", name);
    json.writeStringProperty("arguments", arguments);
    json.writeEndObject();
    json.writeEndObject();
  }
}
