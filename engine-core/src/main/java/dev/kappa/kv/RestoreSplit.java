package dev.kappa.kv;

/** Decides how much of a prefix in host memory is computed again while the rest of it is loaded. */
@FunctionalInterface
public interface RestoreSplit {

  /** All of it is loaded. */
  RestoreSplit LOAD_ALL = (start, end, resume) -> 0;

  /**
   * Decides about one prefix. Tokens {@code [start, end)} are in host memory only, and what lies
   * between {@code end} and {@code resume} is on the device or loaded in any case.
   *
   * @param start first token that is not on the device; begins a block
   * @param end ends a block
   * @param resume tokens that need not be computed if all is loaded
   * @return how many tokens from {@code start} on are computed: whole blocks
   */
  int recompute(int start, int end, int resume);
}
