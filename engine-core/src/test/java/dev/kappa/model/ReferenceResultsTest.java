package dev.kappa.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.model.ReferenceResults.Position;
import dev.kappa.model.ReferenceResults.Prompt;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class ReferenceResultsTest {

  static final List<String> models = Fixtures.MODELS;

  @ParameterizedTest
  @FieldSource("models")
  void agreesWithItself(String model) {
    List<Prompt> prompts = ReferenceResults.read(model).prompts();

    assertThat(prompts).extracting(prompt -> prompt.tokens().size()).containsExactly(1, 7, 33, 130);
    for (Prompt prompt : prompts) {
      Position last = prompt.positions().getLast();
      List<Float> logits = prompt.lastLogits();
      double sum = logits.stream().mapToDouble(Math::exp).sum();
      assertThat(logits).hasSize(Fixtures.open(model).config().vocabularySize());
      assertThat(last.position()).isEqualTo(prompt.tokens().size() - 1);
      assertThat((double) last.logSumExp()).isCloseTo(Math.log(sum), within(2e-5));
      assertThat(last.top())
          .hasSize(8)
          .allSatisfy(
              top -> assertThat(top.logit()).isCloseTo(logits.get(top.token()), within(1e-5f)));
      assertThat(prompt.greedy()).hasSize(24).first().isEqualTo(last.top().getFirst().token());
      assertThat(prompt.margins()).hasSize(24).allMatch(margin -> margin > 0);
    }
  }

  @Test
  void shardingChangesNothing() {
    assertThat(ReferenceResults.read("qwen3-sharded"))
        .isEqualTo(ReferenceResults.read("qwen3-tiny"));
  }
}
