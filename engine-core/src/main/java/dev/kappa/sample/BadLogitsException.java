package dev.kappa.sample;

/** A row of logits that is not a distribution; the message names the first token at fault. */
public final class BadLogitsException extends RuntimeException {

  private static final long serialVersionUID = 1;

  public BadLogitsException(String message) {
    super(message);
  }
}
