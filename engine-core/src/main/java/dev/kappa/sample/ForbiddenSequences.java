package dev.kappa.sample;

import java.util.List;

/**
 * Sequences of tokens that an output does not contain, and as much of its end as they need. Not
 * thread-safe.
 */
final class ForbiddenSequences {

  private final int[][] sequences;

  /** The output's last tokens, one less than the longest sequence has, in a ring. */
  private final int[] recent;

  private int accepted;

  /**
   * @param sequences none of them empty
   */
  ForbiddenSequences(List<List<Integer>> sequences) {
    this.sequences = new int[sequences.size()][];
    int longest = 0;
    for (int i = 0; i < this.sequences.length; i++) {
      this.sequences[i] = sequences.get(i).stream().mapToInt(Integer::intValue).toArray();
      longest = Math.max(longest, this.sequences[i].length);
    }
    recent = new int[Math.max(1, longest - 1)];
  }

  void accept(int token) {
    recent[accepted++ % recent.length] = token;
  }

  /** Excludes the tokens that would complete a sequence. */
  void apply(float[] logits) {
    for (int[] sequence : sequences) {
      if (isBegun(sequence)) {
        logits[sequence[sequence.length - 1]] = Float.NEGATIVE_INFINITY;
      }
    }
  }

  /** Whether the output ends with all of a sequence but its last token. */
  private boolean isBegun(int[] sequence) {
    int length = sequence.length - 1;
    if (length > accepted) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      if (recent[(accepted - length + i) % recent.length] != sequence[i]) {
        return false;
      }
    }
    return true;
  }
}
