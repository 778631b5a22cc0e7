package dev.kappa.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.DType;
import dev.kappa.sample.SamplingParams;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A model made for 512 positions whose rotation can be stretched to four times as many. */
class ScaledRotationTest {

  private static EngineOptions options(int maxModelLength) {
    return EngineOptions.builder()
        .numBlocks(160)
        .blockTokens(16)
        .kvDType(DType.F32)
        .maxModelLength(maxModelLength)
        .build();
  }

  private static List<Float> logprobs(int maxModelLength, int[] prompt) {
    SamplingParams sampling =
        SamplingParams.builder().temperature(0).maxTokens(4).ignoreEos(true).logprobs(1).build();
    try (TestEngine engine =
        new TestEngine(TestEngine.tinyModel("llama-dynamic-tiny"), options(maxModelLength), 2)) {
      assertThat(engine.engine().info().maxModelLength()).isEqualTo(maxModelLength);
      return EngineEquivalenceTest.Result.of(engine.submit(prompt, sampling)).logprobs();
    }
  }

  @Test
  void goesByTheLongestContextThatAnEngineAllows() {
    int[] prompt = TestEngine.randomPrompt(new Random(1), 100, 256);
    List<Float> plain = logprobs(400, prompt);
    assertThat(logprobs(512, prompt)).isEqualTo(plain);
    assertThat(logprobs(600, prompt)).isNotEqualTo(plain).isNotEqualTo(logprobs(2048, prompt));
  }

  @Test
  void refusesMoreThanTheScalingIsMadeFor() {
    assertThatThrownBy(() -> logprobs(2049, new int[] {1}))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("exceeds the 2048 positions");
  }
}
