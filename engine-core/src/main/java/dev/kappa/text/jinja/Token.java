package dev.kappa.text.jinja;

/**
 * A piece of template source.
 *
 * @param text data as it is to be printed, a string literal without quotes and escapes, or the
 *     source itself
 */
record Token(Kind kind, String text, int line) {

  enum Kind {
    DATA,
    VARIABLE_BEGIN,
    VARIABLE_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Kind kind, String text) {
    return this.kind == kind && this.text.equals(text);
  }

  boolean isOperator(String text) {
    return is(Kind.OPERATOR, text);
  }

  boolean isName(String text) {
    return is(Kind.NAME, text);
  }

  @Override
  public String toString() {
    return switch (kind) {
      case END -> "the end of the template";
      case STRING -> "a string";
      default -> "'" + text + "'";
    };
  }
}
