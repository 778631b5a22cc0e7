package dev.kappa.model;

/**
 * A model directory that cannot be used. The message names the file, what is wrong in it and what
 * was expected.
 */
public final class ModelException extends RuntimeException {

  private static final long serialVersionUID = 1;

  public ModelException(String message) {
    super(message);
  }

  public ModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
