package dev.kappa.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.kappa.roofline.ModelShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The shapes in {@code models/shapes} against what is published about these models. */
class ModelShapesTest {

  private static final Path SHAPES = Path.of("..", "models", "shapes");

  @TempDir Path folder;

  private ModelShapes.Described described(String json) throws IOException {
    return ModelShapes.read(Files.writeString(folder.resolve("config.json"), json));
  }

  /**
   * KV bytes per token in bf16, and parameters: exact where the hub lists the number of elements of
   * the checkpoint, in billions where the authors name no more digits.
   */
  @ParameterizedTest
  @CsvSource({
    "llama-3.2-1b, 32768, 1235814400, 1235814400",
    "llama-3.1-8b, 131072, 8030261248, 8030261248",
    "llama-3.1-70b, 327680, 70553706496, 70553706496",
    "llama-3.1-405b, 516096, 405.85e9, 405.85e9",
    "qwen2.5-7b, 57344, 7615616512, 7615616512",
    "qwen3-8b, 147456, 8190735360, 8190735360",
    "qwen3-235b-a22b, 192512, 235e9, 22e9",
    "mistral-7b, 131072, 7248023552, 7248023552",
    "phi-3-mini-4k, 393216, 3821079552, 3821079552",
    "mixtral-8x7b, 131072, 46702792704, 12.88e9",
    "qwen3-30b-a3b, 98304, 30532122624, 3.34e9",
    "deepseek-v3, 70272, 671e9, 37e9",
  })
  void givesThePublishedSizes(String name, long kvBytes, double parameters, double active) {
    ModelShapes.Described model = ModelShapes.read(SHAPES.resolve(name));
    assertThat(model.name()).isEqualTo(name);
    assertThat(model.shape().kvBytesPerToken()).isEqualTo(kvBytes);
    boolean exact = parameters % 1e6 != 0;
    assertThat((double) model.shape().parameters())
        .isCloseTo(parameters, withinPercentage(exact ? 0 : 1));
    // Rounded to whole billions where it is not all of them.
    assertThat((double) model.shape().activeParameters())
        .isCloseTo(active, withinPercentage(active % 1e6 != 0 ? 0 : 2));
  }

  /** The authors say 36.7 billion; that is the count with one of the two embeddings. */
  @Test
  void countsTheActiveParametersOfDeepSeek() {
    ModelShape shape = ModelShapes.read(SHAPES.resolve("deepseek-v3")).shape();
    double oneEmbedding = shape.activeParameters() - 129_280.0 * 7168;
    assertThat(oneEmbedding).isCloseTo(36.7e9, withinPercentage(1));
  }

  @Test
  void agreesWithTheConfigThatTheEngineReads() {
    for (String name :
        new String[] {
          "llama-110m",
          "llama-3.1-8b",
          "qwen3-8b",
          "qwen2.5-7b",
          "mistral-7b",
          "phi-3-mini-4k",
          "mixtral-8x7b",
          "qwen3-30b-a3b",
          "qwen3-235b-a22b"
        }) {
      ModelConfig config = ModelDirectory.open(SHAPES.resolve(name)).config();
      ModelShapes.Described model = ModelShapes.read(SHAPES.resolve(name));
      assertThat(model.shape().parameters()).as(name).isEqualTo(config.parameters());
      assertThat(model.maxPositions()).isEqualTo(config.maxPositions());
      assertThat(model.totalWeightBytes()).isEqualTo(2 * config.parameters());
    }
  }

  /** Parameters as the hub counts them; shapes leave out norms of what layers add. */
  @ParameterizedTest
  @CsvSource({"gemma-2-2b, 2614341888, 13, 4096", "gemma-3-1b, 999885952, 22, 512"})
  void readsGemmas(String name, long parameters, int windowed, int window) {
    ModelConfig config = ModelDirectory.open(SHAPES.resolve(name)).config();
    assertThat(config.parameters()).isEqualTo(parameters);
    ModelShape shape = ModelShapes.read(SHAPES.resolve(name)).shape();
    assertThat(shape.parameters())
        .isEqualTo(parameters - 2L * config.hiddenSize() * config.layers());
    assertThat(shape.windowedLayers()).isEqualTo(windowed);
    assertThat(shape.window()).isEqualTo(window);
    assertThat(shape.tied()).isTrue();
  }

  @Test
  void countsFp8WeightsAsBytes() {
    ModelShapes.Described model = ModelShapes.read(SHAPES.resolve("deepseek-v3"));
    assertThat(model.totalWeightBytes()).isEqualTo(model.shape().parameters());
  }

  private static final String SMALL =
      """
      {"architectures": ["%s"], "hidden_size": 64, "intermediate_size": 128,
       "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 100,
       "max_position_embeddings": 1000 %s}
      """;

  @Test
  void readsSlidingWindows() throws IOException {
    ModelShape mistral =
        described(SMALL.formatted("MistralForCausalLM", ", \"sliding_window\": 10")).shape();
    assertThat(mistral.windowedLayers()).isEqualTo(4);
    assertThat(mistral.window()).isEqualTo(10);
    String some =
        ", \"sliding_window\": 10, \"use_sliding_window\": true, \"max_window_layers\": 3";
    assertThat(described(SMALL.formatted("Qwen2ForCausalLM", some)).shape().windowedLayers())
        .isEqualTo(1);
    String none = ", \"sliding_window\": 10, \"use_sliding_window\": false";
    assertThat(described(SMALL.formatted("Qwen2ForCausalLM", none)).shape().windowedLayers())
        .isZero();
    String types =
        ", \"sliding_window\": 10, \"layer_types\": [\"sliding_attention\", \"full_attention\","
            + " \"sliding_attention\", \"full_attention\"]";
    assertThat(described(SMALL.formatted("X", types)).shape().windowedLayers()).isEqualTo(2);
  }

  @Test
  void saysWhatIsMissing() {
    assertThatThrownBy(() -> described("{\"hidden_size\": 64}"))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("num_hidden_layers");
    String gptq = ", \"quantization_config\": {\"quant_method\": \"gptq\"}";
    assertThatThrownBy(() -> described(SMALL.formatted("X", gptq)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("quant_method");
  }
}
