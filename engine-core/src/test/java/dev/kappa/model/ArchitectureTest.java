package dev.kappa.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.Encoding;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class ArchitectureTest {

  static final List<String> models = Fixtures.MODELS;

  @ParameterizedTest
  @FieldSource("models")
  void namesAndShapesAreThoseOfTheCheckpoint(String name) {
    ModelDirectory model = Fixtures.open(name);
    List<TensorSpec> specs = Architecture.of(model.config()).tensors(model.config());

    try (Checkpoint checkpoint = model.checkpoint(LoadFormat.STORED, 0);
        Arena arena = Arena.ofConfined()) {
      for (TensorSpec spec : specs) {
        Checkpoint.Tensor tensor = checkpoint.tensor(spec, arena);
        assertThat(tensor.data().byteSize()).isEqualTo(tensor.encoding().bytes(spec.elements()));
        assertThat(tensor.encoding()).isEqualTo(Encoding.of(model.config().dtype()));
      }
      assertThat(checkpoint.names())
          .containsAll(specs.stream().map(TensorSpec::name).toList())
          .allMatch(tensor ->
              specs.stream().anyMatch(spec -> spec.name().equals(tensor))
                  || tensor.endsWith("rotary_emb.inv_freq")
                  || tensor.endsWith("self_attn.steps"));
    }
  }

  @ParameterizedTest
  @FieldSource("models")
  void countsTheParametersOfAllTensors(String name) {
    ModelConfig config = Fixtures.open(name).config();

    assertThat(
            Architecture.of(config).tensors(config).stream().mapToLong(TensorSpec::elements).sum())
        .isEqualTo(config.parameters());
  }

  @Test
  void hasOptionalPartsByArchitecture() {
    ModelConfig llama = Fixtures.open("llama-tiny").config();

    assertThat(Architectures.LLAMA.has(TensorRole.QUERY_NORM)).isFalse();
    assertThat(Architectures.QWEN3.has(TensorRole.QUERY_NORM)).isTrue();
    assertThatThrownBy(() -> Architectures.LLAMA.tensor(TensorRole.KEY_NORM, 0, llama))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("KEY_NORM");
  }

  @Test
  void leavesOutTheHeadOfTiedModels() {
    ModelConfig tied = Fixtures.open("llama3-rope-tiny").config();

    assertThat(Architectures.LLAMA.tensors(tied))
        .noneMatch(spec -> spec.role() == TensorRole.LM_HEAD);
  }
}
