package dev.kappa.sample;

import static dev.kappa.sample.SamplingFixtures.randomLogits;
import static dev.kappa.sample.SamplingFixtures.ranked;
import static dev.kappa.sample.SamplingFixtures.row;
import static dev.kappa.sample.SamplingFixtures.rows;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogprobsTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 20, 999, 1000, 5000})
  void topTokensAreTheHeadOfAFullSort(int top) {
    Logprobs logprobs = new Logprobs(1000);
    for (int seed = 0; seed < 20; seed++) {
      float[] logits = randomLogits(1000, 1, seed);
      TokenLogprob result = logprobs.of(row(logits), 0, 7, top);
      int[] expected = Arrays.copyOf(ranked(logits), Math.min(top, 1000));
      assertThat(result.topTokens()).as("seed %d", seed).isEqualTo(expected);
    }
  }

  @Test
  void valuesAreThoseOfAnExactLogSoftmax() {
    float[] logits = {2, 1, 0, -1, Float.NEGATIVE_INFINITY};
    double sum = Math.exp(2) + Math.exp(1) + 1 + Math.exp(-1);
    TokenLogprob result = new Logprobs(5).of(row(logits), 0, 3, 5);
    assertThat(result.token()).isEqualTo(3);
    assertThat(result.logprob()).isEqualTo((float) (-1 - Math.log(sum)));
    assertThat(result.topTokens()).containsExactly(0, 1, 2, 3, 4);
    for (int i = 0; i < 4; i++) {
      assertThat(result.topLogprobs()[i]).isEqualTo((float) (logits[i] - Math.log(sum)));
    }
    assertThat(result.topLogprobs()[4]).isEqualTo(Float.NEGATIVE_INFINITY);
  }

  @Test
  void largeLogitsDoNotOverflow() {
    TokenLogprob result = new Logprobs(3).of(row(3e38f, 3e38f, -3e38f), 0, 1, 1);
    assertThat(result.logprob()).isEqualTo((float) -Math.log(2));
    assertThat(result.topTokens()).containsExactly(0);
  }

  @Test
  void withoutTopOnlyTheChosenTokenIsReported() {
    TokenLogprob result =
        new Logprobs(2).of(rows(List.of(new float[] {0, 9}, new float[] {1, 1})), 1, 0, 0);
    assertThat(result.logprob()).isEqualTo((float) -Math.log(2));
    assertThat(result.topTokens()).isEmpty();
    assertThat(result.topLogprobs()).isEmpty();
  }

  @Test
  void refusesBrokenRowsAndForeignTokens() {
    Logprobs logprobs = new Logprobs(2);
    assertThatThrownBy(() -> logprobs.of(row(Float.NaN, 1), 0, 0, 1))
        .isInstanceOf(BadLogitsException.class)
        .hasMessageContaining("token 0 of 2 has NaN");
    assertThatThrownBy(() -> logprobs.of(row(0, 1), 0, 2, 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
