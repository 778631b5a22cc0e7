package dev.kappa.grammar;

/** A schema that no grammar is made of; the message says which keyword and where. */
public final class GrammarException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final String path;

  GrammarException(String path, String message) {
    super(message, null, false, false);
    this.path = path;
  }

  /** The same with a place that the schema is at. */
  GrammarException within(String place) {
    String all = place.isEmpty() || path.isEmpty() ? place + path : place + "." + path;
    return new GrammarException(all, String.valueOf(getMessage()));
  }

  /** Where in the schema, for example {@code properties.age.minimum}; empty for all of it. */
  public String path() {
    return path;
  }
}
