package dev.kappa.text.jinja;

/**
 * What a name or attribute that does not exist evaluates to: it prints as nothing, is false and
 * empty, and fails on any other use.
 *
 * @param problem why it is undefined, for the error on use
 */
record Undefined(String problem) {

  static Undefined name(String name) {
    return new Undefined("'" + name + "' is undefined");
  }

  static Undefined member(Object owner, Object name) {
    return new Undefined(
        "%s has no %s"
            .formatted(
                Values.describe(owner), name instanceof String s ? "'" + s + "'" : "such item"));
  }

  JinjaException failure() {
    return new JinjaException(problem);
  }
}
