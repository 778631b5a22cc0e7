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
    String what = name instanceof String text ? "'" + shortened(text) + "'" : "such item";
    return new Undefined(Values.describe(owner) + " has no " + what);
  }

  private static String shortened(String name) {
    return name.length() <= 60 ? name : name.substring(0, 60) + "…";
  }

  JinjaException failure() {
    return new JinjaException(problem);
  }
}
