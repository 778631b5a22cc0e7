package dev.kappa.sample;

/** A language that a request's output must belong to. Shared by requests. */
public interface Constraint {

  /** A place before the first token. */
  Cursor begin();

  /** How far one output has come in the language. Confined to the engine thread. */
  interface Cursor {

    /**
     * The tokens that may come next: bit {@code t % 64} of word {@code t / 64} for token t. Tokens
     * beyond the array may not come. Never changed, and never without a bit unless {@link
     * #mayEnd()}.
     */
    long[] allowed();

    /** Whether the output may end here. */
    boolean mayEnd();

    /** Whether the output is whole and nothing can follow. */
    boolean mustEnd();

    /** Goes on by a token that was allowed. */
    void accept(int token);
  }
}
