package dev.kappa.grammar;

/**
 * States over bytes, joined by edges that take a byte, edges that take none, and edges that run
 * another rule from its start to its end. Immutable.
 */
// One array per kind of edge, since states have few of any.
@SuppressWarnings("ArrayRecordComponent")
record Network(
    int[][] bytes, int[][] epsilons, int[][] calls, boolean[] ends, int[] needs, int start) {

  /** What {@link #need} says of a state from which the end of its rule cannot be reached. */
  static final int NEVER = Integer.MAX_VALUE / 2;

  /** Options within each other, from the end of the innermost to that of the rule. */
  private static final int MAX_STEPS = 64;

  /** Edges of a state that take a byte: triples of the lowest byte, the highest, and the target. */
  int[] bytes(int state) {
    return bytes[state];
  }

  /** Targets of a state's edges that take nothing. */
  int[] epsilons(int state) {
    return epsilons[state];
  }

  /** Calls of a state: pairs of the called rule's start and the state after it. */
  int[] calls(int state) {
    return calls[state];
  }

  /** Whether a state ends its rule. */
  boolean ends(int state) {
    return ends[state];
  }

  /**
   * Whether all that can follow a state is the end of its rule: a call before it need not come
   * back. Otherwise options that call each other would have as many ways through them as there are
   * sequences of calls.
   */
  boolean onlyEnds(int state) {
    int at = state;
    for (int i = 0; i < MAX_STEPS && bytes[at].length == 0 && calls[at].length == 0; i++) {
      if (epsilons[at].length == 0) {
        return ends[at];
      }
      if (ends[at] || epsilons[at].length > 1) {
        return false;
      }
      at = epsilons[at][0];
    }
    return false;
  }

  /** How many calls within each other it takes at least from a state to the end of its rule. */
  int need(int state) {
    return needs[state];
  }
}
