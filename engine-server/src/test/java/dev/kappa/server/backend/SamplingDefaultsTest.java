package dev.kappa.server.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.model.GenerationDefaults;
import dev.kappa.model.ModelException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SamplingDefaultsTest {

  private static GenerationDefaults model(
      @Nullable Boolean sample, double topP, double repetitionPenalty) {
    return new GenerationDefaults(
        List.of(), null, sample, 0.6, 20, topP, 0.02, repetitionPenalty, 5);
  }

  @Test
  void takesAllThatTheModelRecommends() {
    assertThat(SamplingDefaults.of(model(null, 0.95, 1.1)))
        .isEqualTo(new SamplingDefaults(0.6, 20, 0.95, 0.02, 1.1, 5));
  }

  @Test
  void isGreedyWhereTheModelIsNotToBeSampled() {
    assertThat(SamplingDefaults.of(model(false, 0.95, 1.1)).temperature()).isZero();
  }

  @Test
  void isNeutralWhereTheModelSaysNothing() {
    GenerationDefaults silent =
        new GenerationDefaults(List.of(), null, null, null, null, null, null, null, null);
    assertThat(SamplingDefaults.of(silent)).isEqualTo(SamplingDefaults.NEUTRAL);
  }

  @Test
  void refusesWhatNoRequestMayAskFor() {
    assertThatThrownBy(() -> SamplingDefaults.of(model(null, 0.95, 2.5)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("repetition_penalty must be above 0 and at most 2");
    assertThatThrownBy(() -> SamplingDefaults.of(model(null, 0, 1)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("top_p must be above 0");
  }
}
