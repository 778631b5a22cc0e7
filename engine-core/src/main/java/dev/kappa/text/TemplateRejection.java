package dev.kappa.text;

/**
 * A chat template's own refusal of a conversation, by {@code raise_exception}; the message is the
 * template's and meant for the caller.
 */
public final class TemplateRejection extends TextException {

  private static final long serialVersionUID = 1;

  public TemplateRejection(String message) {
    super(message);
  }
}
