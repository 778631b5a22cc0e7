package dev.kappa.sample;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a request wants done to its logits before temperature and truncation, in the order of {@link
 * LogitsAdjuster}.
 *
 * @param repetitionPenalty divides positive logits, and multiplies negative ones, of tokens that
 *     occur in prompt or output; 1 for none
 * @param presencePenalty is taken from the logits of tokens that occur in the output
 * @param frequencyPenalty is taken from a token's logit once for each time it occurs in the output
 * @param logitBias is added to the logits of these tokens
 * @param allowedTokens no others can be chosen; empty for all
 * @param minTokens before so many tokens none that ends the output can be chosen, and no stop
 *     string is looked for
 * @param forbidden sequences of tokens that the output does not contain: the last one is not chosen
 *     behind the others
 * @param constraint a language that the output must belong to; null for none
 */
public record Adjustments(
    double repetitionPenalty,
    double presencePenalty,
    double frequencyPenalty,
    Map<Integer, Double> logitBias,
    List<Integer> allowedTokens,
    int minTokens,
    List<List<Integer>> forbidden,
    @Nullable Constraint constraint) {

  /** Logits as the model gives them. */
  public static final Adjustments NONE =
      new Adjustments(1, 0, 0, Map.of(), List.of(), 0, List.of(), null);

  public Adjustments {
    logitBias = Map.copyOf(logitBias);
    allowedTokens = List.copyOf(allowedTokens);
    forbidden = forbidden.stream().map(List::copyOf).toList();
    InvalidSamplingException.require(
        repetitionPenalty > 0 && repetitionPenalty <= 2,
        "repetition_penalty",
        "above 0 and at most 2");
    InvalidSamplingException.require(
        presencePenalty >= -2 && presencePenalty <= 2, "presence_penalty", "between -2 and 2");
    InvalidSamplingException.require(
        frequencyPenalty >= -2 && frequencyPenalty <= 2, "frequency_penalty", "between -2 and 2");
    InvalidSamplingException.require(
        logitBias.values().stream().allMatch(bias -> bias >= -100 && bias <= 100),
        "logit_bias",
        "made of numbers between -100 and 100");
    InvalidSamplingException.require(minTokens >= 0, "min_tokens", "0 or more");
    InvalidSamplingException.require(
        forbidden.stream().noneMatch(List::isEmpty), "bad_words", "words that are not empty");
  }

  /** Whether logits stay as they are. */
  public boolean isNone() {
    return equals(NONE);
  }

  /** Penalties only, see the record. */
  public static Adjustments penalties(double repetition, double presence, double frequency) {
    return new Adjustments(
        repetition, presence, frequency, Map.of(), List.of(), 0, List.of(), null);
  }

  public Adjustments withLogitBias(Map<Integer, Double> bias) {
    return new Adjustments(
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        bias,
        allowedTokens,
        minTokens,
        forbidden,
        constraint);
  }

  public Adjustments withAllowedTokens(List<Integer> tokens) {
    return new Adjustments(
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        logitBias,
        tokens,
        minTokens,
        forbidden,
        constraint);
  }

  public Adjustments withMinTokens(int count) {
    return new Adjustments(
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        logitBias,
        allowedTokens,
        count,
        forbidden,
        constraint);
  }

  public Adjustments withForbidden(List<List<Integer>> sequences) {
    return new Adjustments(
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        logitBias,
        allowedTokens,
        minTokens,
        sequences,
        constraint);
  }

  public Adjustments withConstraint(@Nullable Constraint language) {
    return new Adjustments(
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        logitBias,
        allowedTokens,
        minTokens,
        forbidden,
        language);
  }
}
