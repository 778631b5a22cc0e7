package dev.kappa.server.openai;

/**
 * How many choices a request wants of each prompt.
 *
 * @param returned how many the answer has
 * @param generated of how many these are the best
 */
record ChoiceCounts(int returned, int generated) {

  /** As many as OpenAI allows. */
  private static final int MAX_CHOICES = 128;

  private static final int MAX_BEST_OF = 20;

  /** For an API without {@code best_of}. */
  static ChoiceCounts readN(JsonFields fields) {
    int n = fields.integer("n", 1, MAX_CHOICES, 1);
    return new ChoiceCounts(n, n);
  }

  static ChoiceCounts read(JsonFields fields, boolean stream) {
    int n = fields.integer("n", 1, MAX_CHOICES, 1);
    int best = fields.integer("best_of", 1, Math.max(n, MAX_BEST_OF), n);
    if (best < n) {
      throw JsonFields.bad("best_of", "best_of must be at least n, which is " + n);
    }
    if (best > n && stream) {
      throw JsonFields.bad(
          "best_of", "best_of above n cannot be streamed: the best are known only at the end");
    }
    return new ChoiceCounts(n, best);
  }

  /** Whether choices are compared by their log probabilities. */
  boolean compared() {
    return generated > returned;
  }
}
