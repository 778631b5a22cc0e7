package dev.kappa.server.openai;

import dev.kappa.server.backend.ServedModel;
import dev.kappa.server.http.ApiError;
import dev.kappa.server.http.ApiException;

/** Reads which model a request is for. */
final class ModelField {

  private ModelField() {}

  /**
   * The name the request uses; the model's first where it names none.
   *
   * @throws ApiException if there is no such model
   */
  static String read(JsonFields fields, ServedModel model) {
    String name = fields.string("model");
    if (name == null) {
      return model.name();
    }
    if (!model.names().contains(name)) {
      throw new ApiException(unknown(name, model));
    }
    return name;
  }

  static ApiError unknown(String name, ServedModel model) {
    String served = String.join(", ", model.names());
    return ApiError.notFound(
        "model", "model_not_found", "there is no model '" + name + "'; this server has " + served);
  }
}
