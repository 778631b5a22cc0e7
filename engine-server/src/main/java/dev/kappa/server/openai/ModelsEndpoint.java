package dev.kappa.server.openai;

import dev.kappa.server.backend.ServedModel;
import dev.kappa.server.http.Endpoint;
import dev.kappa.server.http.Exchange;
import dev.kappa.server.http.JsonText;
import tools.jackson.core.JsonGenerator;

/** {@code GET /v1/models} and {@code GET /v1/models/{name}}. */
public final class ModelsEndpoint implements Endpoint {

  /** The path of the list. */
  public static final String PATH = "/v1/models";

  private final ServedModel model;

  public ModelsEndpoint(ServedModel model) {
    this.model = model;
  }

  @Override
  public void handle(Exchange exchange) {
    String path = exchange.call().path();
    if (path.equals(PATH)) {
      exchange.respond(200, list());
      return;
    }
    String name = path.substring(PATH.length() + 1);
    if (model.names().contains(name)) {
      exchange.respond(200, JsonText.of(json -> write(json, name)));
    } else {
      exchange.fail(ModelField.unknown(name, model));
    }
  }

  private byte[] list() {
    return JsonText.of(json -> {
      json.writeStartObject();
      json.writeStringProperty("object", "list");
      json.writeArrayPropertyStart("data");
      model.names().forEach(name -> write(json, name));
      json.writeEndArray();
      json.writeEndObject();
    });
  }

  private void write(JsonGenerator json, String name) {
    json.writeStartObject();
    json.writeStringProperty("id", name);
    json.writeStringProperty("object", "model");
    json.writeNumberProperty("created", model.created());
    json.writeStringProperty("owned_by", "kappa");
    json.writeStringProperty("root", model.name());
    json.writeNullProperty("parent");
    json.writeNumberProperty("max_model_len", model.backend().info().maxModelLength());
    json.writeEndObject();
  }
}
