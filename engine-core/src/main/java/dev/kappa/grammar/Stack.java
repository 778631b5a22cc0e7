package dev.kappa.grammar;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Where called rules go on when they end, the innermost first. Immutable. */
final class Stack {

  private final int state;
  private final @Nullable Stack outer;
  private final int depth;
  private final int hash;

  Stack(int state, @Nullable Stack outer) {
    this.state = state;
    this.outer = outer;
    depth = 1 + depth(outer);
    hash = 31 * state + Objects.hashCode(outer);
  }

  static int depth(@Nullable Stack stack) {
    return stack == null ? 0 : stack.depth;
  }

  int state() {
    return state;
  }

  @Nullable Stack outer() {
    return outer;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    Object a = this;
    Object b = other;
    while (a instanceof Stack first && b instanceof Stack second && a != b) {
      if (first.hash != second.hash || first.state != second.state || first.depth != second.depth) {
        return false;
      }
      a = first.outer;
      b = second.outer;
    }
    return a == b;
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
