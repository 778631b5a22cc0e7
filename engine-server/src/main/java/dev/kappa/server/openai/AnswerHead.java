package dev.kappa.server.openai;

import tools.jackson.core.JsonGenerator;

/**
 * What every answer and every chunk of it begins with.
 *
 * @param id names the answer
 * @param created seconds since 1970
 * @param model the model's name as the client knows it
 */
record AnswerHead(String id, long created, String model) {

  /** Opens the object. */
  void write(JsonGenerator json, String object) {
    json.writeStartObject();
    json.writeStringProperty("id", id);
    json.writeStringProperty("object", object);
    json.writeNumberProperty("created", created);
    json.writeStringProperty("model", model);
  }
}
