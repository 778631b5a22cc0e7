package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.model.Fixtures;
import dev.kappa.sample.SamplingParams;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Random weights in the shapes of every architecture: nothing vanishes and nothing overflows. */
class DummyWeightsTest {

  static final List<String> models = Fixtures.MODELS;

  @ParameterizedTest
  @FieldSource("models")
  void giveTokensAndLogProbabilities(String name) {
    EngineOptions options =
        EngineOptions.builder().numBlocks(32).blockTokens(16).dummyWeights(true).seed(5).build();
    SamplingParams sampling =
        SamplingParams.builder().temperature(0).maxTokens(8).ignoreEos(true).logprobs(2).build();
    int[] prompt = TestEngine.randomPrompt(new Random(3), 60, 256);
    try (TestEngine engine = new TestEngine(TestEngine.tinyModel(name), options, 2)) {
      Collected output = engine.submit(prompt, sampling);
      assertThat(output.tokens()).hasSize(8);
      assertThat(output.logprobs())
          .allSatisfy(token -> {
            float[] top = token.topLogprobs();
            assertThat(top[0]).isBetween(-5.6f, -0.01f);
            assertThat(top[1]).isLessThanOrEqualTo(top[0]).isGreaterThan(-6f);
          });
    }
  }
}
