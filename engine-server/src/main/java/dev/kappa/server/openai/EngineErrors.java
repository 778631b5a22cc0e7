package dev.kappa.server.openai;

import dev.kappa.engine.EngineException;
import dev.kappa.server.http.ApiError;

/** The engine's failures as clients see them. */
public final class EngineErrors {

  private EngineErrors() {}

  /** The answer to a request that failed so. */
  public static ApiError toApi(EngineException e) {
    String message = String.valueOf(e.getMessage());
    return switch (e.kind()) {
      case INVALID_REQUEST -> ApiError.badField(e.parameter(), message);
      case UNAVAILABLE -> ApiError.unavailable(message);
      case INTERNAL -> ApiError.internal(message);
    };
  }
}
