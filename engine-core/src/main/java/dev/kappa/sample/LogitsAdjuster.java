package dev.kappa.sample;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Applies one request's {@link Adjustments} to its rows of logits and keeps what they depend on:
 * counts of its tokens, its end and its place in its constraint. Confined to the engine thread.
 *
 * <p>The order is vLLM's: tokens that the constraint or {@code allowedTokens} exclude get
 * -infinity; the bias is added; tokens that would end the output too early, or complete a sequence
 * that is forbidden, get -infinity; then come the repetition, frequency and presence penalties.
 */
public final class LogitsAdjuster {

  private static final float NEVER = Float.NEGATIVE_INFINITY;

  private final int minTokens;
  private final float repetition;
  private final float presence;
  private final float frequency;
  private final @Nullable TokenCounts counts;
  private final int[] biasedTokens;
  private final float[] biases;
  private final int[] endTokens;
  private final float[] endLogits;
  private final long @Nullable [] allowed;
  private final @Nullable ForbiddenSequences forbidden;
  private final Constraint.@Nullable Cursor cursor;
  private int accepted;

  private LogitsAdjuster(
      Adjustments wanted, int[] prompt, Set<Integer> endTokens, int vocabularySize) {
    minTokens = wanted.minTokens();
    // Never 0, which the smallest doubles would become: a forbidden token's logit would be NaN.
    repetition = Math.max(Float.MIN_NORMAL, (float) wanted.repetitionPenalty());
    presence = (float) wanted.presencePenalty();
    frequency = (float) wanted.frequencyPenalty();
    counts = repetition == 1 && presence == 0 && frequency == 0 ? null : new TokenCounts();
    if (counts != null && repetition != 1) {
      for (int token : prompt) {
        counts.add(token, 0);
      }
    }
    biasedTokens = wanted.logitBias().keySet().stream().mapToInt(Integer::intValue).toArray();
    biases = new float[biasedTokens.length];
    for (int i = 0; i < biases.length; i++) {
      biases[i] = wanted.logitBias().getOrDefault(biasedTokens[i], 0.0).floatValue();
    }
    this.endTokens =
        endTokens.stream()
            .mapToInt(Integer::intValue)
            .filter(token -> token >= 0 && token < vocabularySize)
            .toArray();
    endLogits = new float[this.endTokens.length];
    allowed = wanted.allowedTokens().isEmpty() ? null : new long[(vocabularySize + 63) / 64];
    if (allowed != null) {
      for (int token : wanted.allowedTokens()) {
        allowed[token >> 6] |= 1L << token;
      }
    }
    forbidden = wanted.forbidden().isEmpty() ? null : new ForbiddenSequences(wanted.forbidden());
    Constraint constraint = wanted.constraint();
    cursor = constraint == null ? null : constraint.begin();
  }

  /**
   * What a request's adjustments do; null if they do nothing.
   *
   * @param prompt the request's prompt
   * @param endTokens tokens that end its output; those outside of the vocabulary do not count
   * @throws InvalidSamplingException if a token id of the adjustments is outside of the vocabulary
   */
  public static @Nullable LogitsAdjuster of(
      Adjustments wanted, int[] prompt, Set<Integer> endTokens, int vocabularySize) {
    if (wanted.isNone()) {
      return null;
    }
    wanted.logitBias().keySet().forEach(token -> check("logit_bias", token, vocabularySize));
    wanted.allowedTokens().forEach(token -> check("allowed_token_ids", token, vocabularySize));
    for (List<Integer> sequence : wanted.forbidden()) {
      sequence.forEach(token -> check("bad_words", token, vocabularySize));
    }
    return new LogitsAdjuster(wanted, prompt, endTokens, vocabularySize);
  }

  private static void check(String parameter, int token, int vocabularySize) {
    InvalidSamplingException.require(
        token >= 0 && token < vocabularySize,
        parameter,
        "made of token ids below %d, not %d".formatted(vocabularySize, token));
  }

  /** What the request said that may leave no token to choose. */
  String excluding() {
    return allowed != null ? "allowed_token_ids" : forbidden != null ? "bad_words" : "min_tokens";
  }

  /** Does now what takes time, so that it need not be done once the logits have come. */
  public void prepare() {
    if (cursor != null) {
      cursor.allowed();
    }
  }

  /** Takes note of the token that was chosen. */
  public void accept(int token) {
    accepted++;
    if (counts != null) {
      counts.add(token, 1);
    }
    if (forbidden != null) {
      forbidden.accept(token);
    }
    if (cursor != null) {
      cursor.accept(token);
    }
  }

  /** Whether the constraint allows nothing but the end. */
  public boolean mustEnd() {
    return cursor != null && cursor.mustEnd();
  }

  void apply(float[] logits) {
    if (cursor != null) {
      constrain(cursor, logits);
    }
    if (allowed != null) {
      keep(allowed, logits);
    }
    for (int i = 0; i < biasedTokens.length; i++) {
      logits[biasedTokens[i]] += biases[i];
    }
    if (accepted < minTokens) {
      for (int token : endTokens) {
        logits[token] = NEVER;
      }
    }
    if (forbidden != null) {
      forbidden.apply(logits);
    }
    if (counts != null) {
      penalize(counts, logits);
    }
  }

  private void constrain(Constraint.Cursor at, float[] logits) {
    // Where the output may end, its end is as likely as the model makes it.
    boolean mayEnd = at.mayEnd();
    for (int i = 0; i < endTokens.length; i++) {
      endLogits[i] = logits[endTokens[i]];
    }
    keep(at.allowed(), logits);
    for (int i = 0; mayEnd && i < endTokens.length; i++) {
      logits[endTokens[i]] = endLogits[i];
    }
  }

  private static void keep(long[] bits, float[] logits) {
    int words = Math.min(bits.length, (logits.length + 63) / 64);
    for (int word = 0; word < words; word++) {
      int from = word * 64;
      int to = Math.min(from + 64, logits.length);
      long kept = bits[word];
      if (kept == 0) {
        Arrays.fill(logits, from, to, NEVER);
      } else if (kept != -1) {
        for (int token = from; token < to; token++) {
          if ((kept & 1L << token) == 0) {
            logits[token] = NEVER;
          }
        }
      }
    }
    Arrays.fill(logits, Math.min(words * 64, logits.length), logits.length, NEVER);
  }

  private void penalize(TokenCounts seen, float[] logits) {
    for (int i = 0; i < seen.size(); i++) {
      int token = seen.token(i);
      float logit = logits[token];
      logit = logit > 0 ? Math.min(logit / repetition, Float.MAX_VALUE) : logit * repetition;
      int count = seen.count(i);
      if (count > 0) {
        logit -= count * frequency + presence;
      }
      logits[token] = logit;
    }
  }
}
