package dev.kappa.text.jinja;

import java.time.Clock;

/** What one rendering needs everywhere. Confined to one thread. */
final class Rendering {

  /** A node costs about as much time as ten characters copied. */
  private static final int NODE_WORK = 10;

  private final Budget budget;
  private final Clock clock;
  private final Operators operators;

  /** The line of the node evaluated last, for errors. */
  private int line = 1;

  Rendering(Budget budget, Clock clock) {
    this.budget = budget;
    this.clock = clock;
    this.operators = new Operators(budget);
  }

  Budget budget() {
    return budget;
  }

  Clock clock() {
    return clock;
  }

  Operators operators() {
    return operators;
  }

  String str(Object value) {
    return Printer.str(value, budget);
  }

  int line() {
    return line;
  }

  /** Counts a node and notes where it is. */
  void step(int line) {
    this.line = line;
    budget.charge(NODE_WORK);
  }
}
