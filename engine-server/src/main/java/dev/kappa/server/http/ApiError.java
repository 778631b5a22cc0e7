package dev.kappa.server.http;

import org.jspecify.annotations.Nullable;

/**
 * What a client is told when its request fails, in OpenAI's form.
 *
 * @param status HTTP status
 * @param type kind of error, for example {@code invalid_request_error}
 * @param param path of the field at fault, for example {@code messages[1].content}
 * @param code short machine-readable reason, for example {@code model_not_found}
 * @param message one line for people
 */
public record ApiError(
    int status, String type, @Nullable String param, @Nullable String code, String message) {

  private static final String INVALID_REQUEST = "invalid_request_error";

  /** A request that can never succeed as it is. */
  public static ApiError invalid(int status, String message) {
    return new ApiError(status, INVALID_REQUEST, null, null, message);
  }

  /** A field with a wrong value, status 400. */
  public static ApiError badField(@Nullable String param, String message) {
    return new ApiError(400, INVALID_REQUEST, param, null, message);
  }

  /** As {@link #badField(String, String)}, with a code. */
  public static ApiError badField(@Nullable String param, String code, String message) {
    return new ApiError(400, INVALID_REQUEST, param, code, message);
  }

  /** Something named in the request does not exist, status 404. */
  public static ApiError notFound(@Nullable String param, String code, String message) {
    return new ApiError(404, INVALID_REQUEST, param, code, message);
  }

  /** The key is missing or wrong, status 401. */
  public static ApiError unauthorized() {
    return new ApiError(
        401,
        "authentication_error",
        null,
        "invalid_api_key",
        "a valid key is needed in the header 'Authorization: Bearer …'");
  }

  /** As many requests wait as may, status 429. */
  public static ApiError queueFull(int waiting) {
    return new ApiError(
        429,
        "rate_limit_error",
        null,
        "queue_full",
        waiting + " requests are waiting already; try again later");
  }

  /** The server cannot take requests now, status 503. */
  public static ApiError unavailable(String message) {
    return new ApiError(503, "server_error", null, "unavailable", message);
  }

  /** The server failed, status 500. */
  public static ApiError internal(String message) {
    return new ApiError(500, "server_error", null, null, message);
  }

  /**
   * {@code {"error":{"message","type","param","code"}}}; every field is there, absent ones null.
   */
  public byte[] toJson() {
    return JsonText.of(json -> {
      json.writeStartObject();
      json.writeObjectPropertyStart("error");
      json.writeStringProperty("message", message);
      json.writeStringProperty("type", type);
      json.writeStringProperty("param", param);
      json.writeStringProperty("code", code);
      json.writeEndObject();
      json.writeEndObject();
    });
  }
}
