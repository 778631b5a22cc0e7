package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.sample.Adjustments;
import dev.kappa.sample.SamplingParams;
import dev.kappa.sample.TokenLogprob;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Penalties, biases and least lengths on their way through the engine. */
class AdjustedSamplingTest {

  /** Room for two of the longest sequences, so that more of them take it from each other. */
  private final TestEngine engine =
      new TestEngine(TestEngine.tinyModel("llama-tiny"), TestEngine.options(12, 16, 8, 64), 1);

  @AfterEach
  void nothingLeaks() {
    engine.close();
  }

  private static int[] prompt(long seed) {
    return TestEngine.randomPrompt(new Random(seed), 20, 256);
  }

  private static SamplingParams.Builder endless(int tokens) {
    return SamplingParams.builder().maxTokens(tokens).ignoreEos(true);
  }

  private static SamplingParams penalized(long seed) {
    return endless(60)
        .seed(seed)
        .adjustments(
            Adjustments.penalties(1.2, 0.4, 0.2)
                .withLogitBias(Map.of(3, 2.0))
                .withMinTokens(seed % 2 == 0 ? 10 : 0))
        .build();
  }

  @Test
  void aSeedGivesTheSameTokensInACrowdThatPreempts() {
    List<List<Integer>> alone = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      alone.add(engine.submit(prompt(i), penalized(i)).tokens());
    }
    List<Collected> crowd = new ArrayList<>();
    engine.atOnce(() -> {
      for (int i = 0; i < 6; i++) {
        crowd.add(engine.submit(prompt(i), penalized(i)));
      }
    });
    assertThat(crowd).extracting(Collected::tokens).isEqualTo(alone);
    assertThat(engine.engine().stats().preemptions()).isPositive();
  }

  @Test
  void greedyTokensAreTheBestOfThePenalizedLogits() {
    int vocabulary = engine.engine().info().model().vocabularySize();
    double presence = 0.6;
    double frequency = 0.3;
    Collected collected =
        engine.submit(
            prompt(1),
            endless(40)
                .temperature(0)
                .logprobs(vocabulary)
                .adjustments(Adjustments.penalties(1, presence, frequency))
                .build());
    int[] counts = new int[vocabulary];
    int changed = 0;
    for (TokenLogprob logprob : collected.logprobs()) {
      double[] logits = new double[vocabulary];
      for (int i = 0; i < vocabulary; i++) {
        logits[logprob.topTokens()[i]] = logprob.topLogprobs()[i];
      }
      int best = 0;
      for (int token = 0; token < vocabulary; token++) {
        logits[token] -= counts[token] * frequency + (counts[token] > 0 ? presence : 0);
        best = logits[token] > logits[best] ? token : best;
      }
      assertThat(logprob.token()).isEqualTo(best);
      changed += logprob.rank() > 1 ? 1 : 0;
      counts[best]++;
    }
    assertThat(changed).as("tokens that greedy decoding would not have chosen").isPositive();
  }

  @Test
  void noStopTokenEndsTheOutputBeforeItsLeastLength() {
    int first = engine.submit(prompt(2), TestEngine.greedy(1)).tokens().getFirst();
    SamplingParams.Builder stopping = endless(20).temperature(0).stopTokens(List.of(first));
    assertThat(engine.submit(prompt(2), stopping.build()).tokens()).isEmpty();
    SamplingParams later = stopping.adjustments(Adjustments.NONE.withMinTokens(6)).build();
    assertThat(engine.submit(prompt(2), later).tokens())
        .hasSizeGreaterThanOrEqualTo(6)
        .startsWith(engine.submit(prompt(2), later).tokens().getFirst())
        .doesNotContain(first);
  }

  @Test
  void noStopStringIsLookedForBeforeTheLeastLength() {
    SamplingParams plain = endless(12).temperature(0).build();
    List<Integer> tokens = engine.submit(prompt(3), plain).tokens();
    String third = " " + tokens.get(2);
    SamplingParams.Builder stopping = endless(12).temperature(0).stop(List.of(third));
    assertThat(engine.submit(prompt(3), stopping.build()).tokens()).hasSizeLessThanOrEqualTo(3);
    SamplingParams later = stopping.adjustments(Adjustments.NONE.withMinTokens(3)).build();
    assertThat(engine.submit(prompt(3), later).tokens()).hasSizeGreaterThan(3);
  }

  @Test
  void theStopStringIsPartOfTheTextWhereAsked() {
    SamplingParams.Builder params = endless(12).temperature(0);
    String text = engine.submit(prompt(3), params.build()).text();
    String stop = text.substring(6, 9);
    String without = text.substring(0, text.indexOf(stop));
    params.stop(List.of(stop));
    assertThat(engine.submit(prompt(3), params.build()).text()).isEqualTo(without);
    Collected with = engine.submit(prompt(3), params.includeStop(true).build());
    assertThat(with.text()).isEqualTo(without + stop);
    assertThat(with.finish().reason()).isEqualTo(Finish.Reason.STOP);
    assertThat(with.finish().stopString()).isEqualTo(stop);
  }

  @Test
  void forbiddenSequencesAreNotWritten() {
    List<Integer> plain = engine.submit(prompt(5), endless(30).temperature(0).build()).tokens();
    List<Integer> pair = plain.subList(10, 12);
    int single = plain.get(20);
    SamplingParams without =
        endless(30)
            .temperature(0)
            .adjustments(Adjustments.NONE.withForbidden(List.of(pair, List.of(single))))
            .build();
    List<Integer> tokens = engine.submit(prompt(5), without).tokens();
    assertThat(tokens).hasSize(30).doesNotContain(single).doesNotContainSequence(pair);
    int same = 0;
    while (plain.get(same).equals(tokens.get(same))) {
      same++;
    }
    assertThat(same)
        .as("up to there nothing was forbidden")
        .isEqualTo(Math.min(plain.indexOf(single), Collections.indexOfSubList(plain, pair) + 1));
  }

  @Test
  void onlyAllowedTokensAreChosen() {
    SamplingParams few =
        endless(30)
            .seed(4)
            .adjustments(Adjustments.NONE.withAllowedTokens(List.of(7, 9, 200)))
            .build();
    assertThat(engine.submit(prompt(4), few).tokens())
        .hasSize(30)
        .containsOnly(7, 9, 200)
        .contains(7, 9);
  }

  @Test
  void saysWhoseFaultItIsThatNoTokenIsLeft() {
    SamplingParams none =
        endless(5)
            .adjustments(
                Adjustments.NONE.withAllowedTokens(List.of(7)).withForbidden(List.of(List.of(7))))
            .build();
    assertThatThrownBy(() -> engine.submit(prompt(6), none).tokens())
        .isInstanceOfSatisfying(
            EngineException.class,
            error -> {
              assertThat(error.kind()).isEqualTo(EngineException.Kind.INVALID_REQUEST);
              assertThat(error.parameter()).isEqualTo("allowed_token_ids");
            })
        .hasMessageContaining("no token");
  }

  @Test
  void theSmallestPenaltyIsStillOne() {
    SamplingParams tiny =
        endless(10)
            .temperature(1)
            .adjustments(
                Adjustments.penalties(Double.MIN_VALUE, 0, 0).withAllowedTokens(List.of(7, 9)))
            .build();
    assertThat(engine.submit(new int[] {7, 8, 9}, tiny).tokens()).hasSize(10).containsOnly(7, 9);
  }
}
