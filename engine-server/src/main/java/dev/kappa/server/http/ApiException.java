package dev.kappa.server.http;

/** Ends the handling of a request with an error for its client. */
public final class ApiException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final transient ApiError error;

  public ApiException(ApiError error) {
    // Thrown for every bad request: no stack trace, the error itself says what is wrong.
    super(error.message(), null, false, false);
    this.error = error;
  }

  public ApiError error() {
    return error;
  }
}
