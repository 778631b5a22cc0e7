package dev.kappa.engine;

import org.jspecify.annotations.Nullable;

/** A request that the engine cannot take or could not finish. */
public final class EngineException extends RuntimeException {

  private static final long serialVersionUID = 1;

  /** What kind of failure it is. */
  public enum Kind {
    /** The request itself is at fault. */
    INVALID_REQUEST,
    /** The engine is shutting down or has failed. */
    UNAVAILABLE,
    /** The engine failed while it worked on the request. */
    INTERNAL
  }

  private final Kind kind;
  private final @Nullable String parameter;

  public EngineException(Kind kind, @Nullable String parameter, String message) {
    super(message);
    this.kind = kind;
    this.parameter = parameter;
  }

  public EngineException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.parameter = null;
  }

  public Kind kind() {
    return kind;
  }

  /** The request's parameter at fault, if one is. */
  public @Nullable String parameter() {
    return parameter;
  }
}
