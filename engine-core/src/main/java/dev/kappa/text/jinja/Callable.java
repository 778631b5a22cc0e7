package dev.kappa.text.jinja;

/** Something a template can call: a global function, a macro, a bound method. */
@FunctionalInterface
interface Callable {

  Object call(Arguments arguments);
}
