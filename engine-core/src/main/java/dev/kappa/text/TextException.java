package dev.kappa.text;

/** A tokenizer or template that cannot be loaded or applied; the message says which and why. */
public class TextException extends RuntimeException {

  private static final long serialVersionUID = 1;

  public TextException(String message) {
    super(message);
  }

  public TextException(String message, Throwable cause) {
    super(message, cause);
  }
}
