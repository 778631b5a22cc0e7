package dev.kappa.text.jinja;

import dev.kappa.text.TextException;

/** A template that cannot be parsed or evaluated; the message names the line. */
public final class JinjaException extends TextException {

  private static final long serialVersionUID = 1;

  /** What went wrong; {@link Template} adds where. */
  JinjaException(String message) {
    super(message);
  }

  JinjaException(int line, String message) {
    super("template line " + line + ": " + message);
  }

  JinjaException(int line, JinjaException cause) {
    super("template line " + line + ": " + cause.getMessage(), cause);
  }
}
