package dev.kappa.text.jinja;

/** Python's {@code None}. */
enum None {
  NONE
}
