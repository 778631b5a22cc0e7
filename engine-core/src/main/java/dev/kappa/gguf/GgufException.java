package dev.kappa.gguf;

/**
 * A GGUF file that cannot be used. The message names the file, what is wrong in it, where, and what
 * was expected.
 */
public final class GgufException extends RuntimeException {

  private static final long serialVersionUID = 1;

  public GgufException(String message) {
    super(message);
  }

  public GgufException(String message, Throwable cause) {
    super(message, cause);
  }
}
