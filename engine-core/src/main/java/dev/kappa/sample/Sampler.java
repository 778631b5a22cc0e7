package dev.kappa.sample;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the next token from a row of logits. Scratch is allocated once; not thread-safe.
 *
 * <p>The order is vLLM's: logits are divided by the temperature; min-p drops tokens less likely
 * than {@code minP} times the most likely one; top-k keeps the k most likely; top-p keeps the
 * smallest set of the remaining, renormalised, that reaches {@code topP}; one token is drawn from
 * what is left. (Transformers applies min-p last, so that there top-p is taken of a distribution
 * with a longer tail.) Among equal logits the lower index ranks first, so that top-k keeps exactly
 * k tokens and {@code topK = 1} is greedy.
 *
 * <p>A request's {@link LogitsAdjuster} comes before all of that.
 *
 * <p>A draw depends on the logits, the parameters, the request's own tokens, the seed and the
 * token's index in its request, and on nothing else: not on the batch, nor on draws made before.
 */
public final class Sampler {

  private static final long NO_LIMIT = RankKey.of(Float.NEGATIVE_INFINITY, Integer.MAX_VALUE);

  private final int vocabularySize;
  private final LogitsRow row;
  private final Candidates candidates;
  private final TopTokens topTokens = new TopTokens();

  /** A sampler for rows of so many logits; it holds about 24 bytes for each. */
  public Sampler(int vocabularySize) {
    this.vocabularySize = vocabularySize;
    this.row = new LogitsRow(vocabularySize);
    this.candidates = new Candidates(vocabularySize);
  }

  /**
   * Chooses a token.
   *
   * @param logits 32-bit floats {@code [rows][vocabularySize]}
   * @param row which row
   * @param seed the request's seed, picked by the caller where {@link SamplingParams#seed} is null;
   *     unused at temperature 0
   * @param index how many tokens the request has generated before this one
   * @throws BadLogitsException if the row holds NaN or +infinity, or only -infinity
   * @throws IndexOutOfBoundsException if the row lies outside of {@code logits}
   */
  public int sample(MemorySegment logits, int row, SamplingParams params, long seed, int index) {
    return sample(logits, row, params, null, seed, index);
  }

  /**
   * As {@link #sample(MemorySegment, int, SamplingParams, long, int)}, from logits that a request
   * adjusts.
   *
   * @param adjuster the request's; null for none
   * @throws InvalidSamplingException if the adjuster leaves no token
   */
  public int sample(
      MemorySegment logits,
      int row,
      SamplingParams params,
      @Nullable LogitsAdjuster adjuster,
      long seed,
      int index) {
    this.row.load(logits, row);
    if (adjuster != null) {
      this.row.adjust(adjuster, row);
    }
    if (params.temperature() == 0 || params.topK() == 1) {
      return this.row.argmax();
    }
    long worst = NO_LIMIT;
    if (params.topK() > 0 && params.topK() < vocabularySize) {
      topTokens.select(this.row.values(), params.topK());
      worst = topTokens.worst();
    }
    candidates.collect(this.row, params.temperature(), params.minP(), worst);
    if (params.topP() < 1) {
      candidates.keepNucleus(this.row, params.topP());
    }
    return candidates.at(CounterRandom.uniform(seed, index));
  }
}
