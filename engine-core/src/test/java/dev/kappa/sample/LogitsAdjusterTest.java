package dev.kappa.sample;

import static dev.kappa.sample.SamplingFixtures.params;
import static dev.kappa.sample.SamplingFixtures.randomLogits;
import static dev.kappa.sample.SamplingFixtures.reference;
import static dev.kappa.sample.SamplingFixtures.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LogitsAdjusterTest {

  private static final int END = 2;

  /** The adjustments once more, token by token from the whole history, as plainly as possible. */
  private static float[] naive(
      float[] logits, Adjustments wanted, List<Integer> prompt, List<Integer> output) {
    float[] adjusted = logits.clone();
    for (int token = 0; token < adjusted.length; token++) {
      double logit = adjusted[token];
      if (!wanted.allowedTokens().isEmpty() && !wanted.allowedTokens().contains(token)) {
        logit = Double.NEGATIVE_INFINITY;
      }
      logit += wanted.logitBias().getOrDefault(token, 0.0);
      if (token == END && output.size() < wanted.minTokens()) {
        logit = Double.NEGATIVE_INFINITY;
      }
      if (prompt.contains(token) || output.contains(token)) {
        double penalty = wanted.repetitionPenalty();
        logit = logit > 0 ? logit / penalty : logit * penalty;
      }
      int token0 = token;
      long count = output.stream().filter(other -> other == token0).count();
      logit -= wanted.frequencyPenalty() * count;
      logit -= wanted.presencePenalty() * (count > 0 ? 1 : 0);
      adjusted[token] = (float) logit;
    }
    return adjusted;
  }

  private static LogitsAdjuster adjuster(Adjustments wanted, List<Integer> prompt, int vocabulary) {
    int[] tokens = prompt.stream().mapToInt(Integer::intValue).toArray();
    return Objects.requireNonNull(
        LogitsAdjuster.of(wanted, tokens, Set.of(END, 1_000_000), vocabulary));
  }

  @ParameterizedTest
  @CsvSource({
    // repetition, presence, frequency, bias on token 5, least number of tokens, allowed tokens
    "1.3,  0,    0,    0, 0,  0",
    "0.7,  0,    0,    0, 0,  0",
    "1,    1.5,  0,    0, 0,  0",
    "1,    0,    0.8,  0, 0,  0",
    "1,   -2,   -0.3,  0, 0,  0",
    "1,    0,    0,    3, 0,  0",
    "1,    0,    0, -100, 0,  0",
    "1,    0,    0,    0, 30, 0",
    "1,    0,    0,    0, 0,  20",
    "1.2,  0.5,  0.25, 2, 60, 40",
  })
  void drawsFollowTheNaiveDistributionAsTheHistoryGrows(
      double repetition,
      double presence,
      double frequency,
      double bias,
      int minTokens,
      int allowed) {
    int size = 150;
    Random random = new Random(7);
    Adjustments wanted =
        Adjustments.penalties(repetition, presence, frequency)
            .withLogitBias(bias == 0 ? Map.of() : Map.of(5, bias))
            .withMinTokens(minTokens)
            .withAllowedTokens(IntStream.range(0, allowed).boxed().toList());
    float[] logits = randomLogits(size, 2, 11);
    List<Integer> prompt = random.ints(40, 0, size).boxed().toList();
    List<Integer> output = new ArrayList<>();
    LogitsAdjuster adjuster = adjuster(wanted, prompt, size);
    SamplingParams params = params(0.9, 60, 0.98, 0);
    Sampler sampler = new Sampler(size);
    for (int length : new int[] {0, 1, 25, 50}) {
      while (output.size() < length) {
        int token = random.nextInt(size / 4);
        adjuster.accept(token);
        output.add(token);
      }
      long[] counts = new long[size];
      for (int i = 0; i < 30_000; i++) {
        counts[sampler.sample(row(logits), 0, params, adjuster, 2026, i)]++;
      }
      ChiSquare.assertFits(
          counts,
          reference(naive(logits, wanted, prompt, output), params),
          wanted + " after " + length);
    }
  }

  /** Histories of all lengths, so that the remembered end has wrapped around. */
  @Test
  void drawsFollowTheNaiveDistributionWithoutForbiddenSequences() {
    int size = 12;
    List<List<Integer>> forbidden =
        List.of(List.of(3), List.of(5, 6), List.of(7, 7, 8), List.of(1, 5, 6, 7, 4));
    Adjustments wanted = Adjustments.penalties(1, 0.3, 0).withForbidden(forbidden);
    float[] logits = randomLogits(size, 1, 5);
    Random random = new Random(8);
    LogitsAdjuster adjuster = adjuster(wanted, List.of(5, 7, 7), size);
    Sampler sampler = new Sampler(size);
    SamplingParams params = params(1, 0, 1, 0);
    List<Integer> output = new ArrayList<>();
    int excluded = 0;
    for (int step = 0; step < 60; step++) {
      float[] expected = naive(logits, wanted, List.of(), output);
      for (List<Integer> sequence : forbidden) {
        int begun = sequence.size() - 1;
        int from = output.size() - begun;
        if (from >= 0 && output.subList(from, output.size()).equals(sequence.subList(0, begun))) {
          expected[sequence.getLast()] = Float.NEGATIVE_INFINITY;
          excluded += begun > 0 ? 1 : 0;
        }
      }
      long[] counts = new long[size];
      for (int i = 0; i < 5_000; i++) {
        counts[sampler.sample(row(logits), 0, params, adjuster, 77, i)]++;
      }
      ChiSquare.assertFits(counts, reference(expected, params), "after " + output);
      int next = new int[] {1, 5, 6, 7, 7, 5}[random.nextInt(6)];
      adjuster.accept(next);
      output.add(next);
    }
    assertThat(excluded).isGreaterThan(15);
  }

  @Test
  void greedyTakesTheBestOfTheAdjustedLogits() {
    Adjustments wanted = Adjustments.NONE.withLogitBias(Map.of(0, 10.0));
    LogitsAdjuster adjuster = adjuster(wanted, List.of(), 4);
    Sampler sampler = new Sampler(4);
    assertThat(sampler.sample(row(1, 3, 2, 0), 0, params(0, 0, 1, 0), adjuster, 1, 0)).isZero();
  }

  @Test
  void countsManyDifferentTokens() {
    int size = 5000;
    Random random = new Random(3);
    LogitsAdjuster adjuster = adjuster(Adjustments.penalties(1, 0, 0.01), List.of(), size);
    int[] counts = new int[size];
    for (int i = 0; i < 20_000; i++) {
      int token = random.nextInt(size);
      adjuster.accept(token);
      counts[token]++;
    }
    float[] logits = new float[size];
    adjuster.apply(logits);
    for (int token = 0; token < size; token++) {
      assertThat(logits[token]).isEqualTo(counts[token] == 0 ? 0f : -(counts[token] * 0.01f));
    }
  }

  @Test
  void endsOnlyWhereTheConstraintMayAndMustNotBeforeTheLeastLength() {
    boolean[] mayEnd = {false};
    Constraint.Cursor cursor =
        new Constraint.Cursor() {
          @Override
          public long[] allowed() {
            return new long[] {0b1000};
          }

          @Override
          public boolean mayEnd() {
            return mayEnd[0];
          }

          @Override
          public boolean mustEnd() {
            return false;
          }

          @Override
          public void accept(int token) {}
        };
    LogitsAdjuster adjuster =
        adjuster(Adjustments.NONE.withConstraint(() -> cursor).withMinTokens(1), List.of(), 130);
    assertThat(choosable(adjuster)).containsExactly(3);
    mayEnd[0] = true;
    assertThat(choosable(adjuster)).containsExactly(3);
    adjuster.accept(3);
    assertThat(choosable(adjuster)).containsExactly(END, 3);
    mayEnd[0] = false;
    assertThat(choosable(adjuster)).containsExactly(3);
  }

  private static List<Integer> choosable(LogitsAdjuster adjuster) {
    float[] logits = new float[130];
    adjuster.apply(logits);
    return IntStream.range(0, 130).filter(i -> logits[i] == 0).boxed().toList();
  }

  @Test
  void doesNothingWhereNothingIsAsked() {
    assertThat(LogitsAdjuster.of(Adjustments.NONE, new int[0], Set.of(), 4)).isNull();
  }

  @Test
  void refusesTokensOutsideOfTheVocabulary() {
    assertThatThrownBy(
            () -> adjuster(Adjustments.NONE.withAllowedTokens(List.of(3, 4)), List.of(), 4))
        .isInstanceOf(InvalidSamplingException.class)
        .hasMessageContaining("allowed_token_ids must be made of token ids below 4, not 4");
    assertThatThrownBy(
            () -> adjuster(Adjustments.NONE.withLogitBias(Map.of(-1, 1.0)), List.of(), 4))
        .isInstanceOf(InvalidSamplingException.class)
        .hasMessageContaining("logit_bias");
  }

  @Test
  void refusesForbiddenSequencesThatAreNone() {
    assertThatThrownBy(
            () -> adjuster(Adjustments.NONE.withForbidden(List.of(List.of(1, 4))), List.of(), 4))
        .hasMessageContaining("bad_words must be made of token ids below 4, not 4");
    assertThatThrownBy(() -> Adjustments.NONE.withForbidden(List.of(List.of())))
        .hasMessageContaining("bad_words");
  }

  @Test
  void refusesPenaltiesOutOfRange() {
    assertThatThrownBy(() -> Adjustments.penalties(0, 0, 0)).hasMessageContaining("repetition");
    assertThatThrownBy(() -> Adjustments.penalties(1, 2.1, 0)).hasMessageContaining("presence");
    assertThatThrownBy(() -> Adjustments.penalties(1, 0, -2.1)).hasMessageContaining("frequency");
  }
}
