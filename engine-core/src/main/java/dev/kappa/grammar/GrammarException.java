package dev.kappa.grammar;

/** A schema that no grammar is made of; the message says which keyword and where. */
public final class GrammarException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final String path;

  GrammarException(String path, String message) {
    super(message, null, false, false);
    this.path = path;
  }

  /** Where in the schema, for example {@code properties.age.minimum}; empty for all of it. */
  public String path() {
    return path;
  }
}
