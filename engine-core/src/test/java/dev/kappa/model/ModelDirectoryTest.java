package dev.kappa.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelDirectoryTest {

  @TempDir private Path directory;

  @Test
  void opensAModel() {
    ModelDirectory model = ModelDirectory.open(Fixtures.model("llama-tiny").toString());

    assertThat(model.name()).isEqualTo("llama-tiny");
    assertThat(model.config().hiddenSize()).isEqualTo(64);
    assertThat(model.generation().bosToken()).isEqualTo(1);
    assertThat(model.tokenizer()).isRegularFile();
  }

  @Test
  void opensAConfigWithoutWeightsForDummies() throws IOException {
    Files.copy(
        Fixtures.model("qwen3-tiny").resolve("config.json"), directory.resolve("config.json"));
    ModelDirectory model = ModelDirectory.open(directory);

    try (Checkpoint checkpoint = model.checkpoint(LoadFormat.DUMMY, 7)) {
      assertThat(checkpoint.names()).hasSize(36);
    }
    assertThatThrownBy(() -> model.checkpoint(LoadFormat.STORED, 7))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("no *.safetensors file");
  }

  @Test
  void tellsUsersOfHubNamesThatNothingIsDownloaded() {
    assertRefused("meta-llama/Llama-3.1-8B", "models are local directories");
    assertRefused("meta-llama/Llama-3.1-8B", "--local-dir Llama-3.1-8B");
  }

  @Test
  void saysWhatIsWrongWithThePath() throws IOException {
    Path file = Files.writeString(directory.resolve("model.bin"), "GGUF");
    Path gguf = Files.writeString(directory.resolve("model.gguf"), "GGUF");

    assertRefused(directory.resolve("none").toString(), "none: no such directory");
    assertRefused(file.toString(), "model.bin: neither a directory nor a file *.gguf");
    assertRefused(gguf.toString(), "cut short");
    assertRefused(directory.toString(), "model.gguf: version");
    Files.delete(gguf);
    assertRefused(directory.toString(), "has no config.json");
    assertRefused("a\0b", "not a path");
  }

  @Test
  void namesTheDirectoryItStandsIn() {
    assertThat(
            new ModelDirectory(
                    Path.of("models", "small", "."),
                    Fixtures.open("llama-tiny").config(),
                    Fixtures.open("llama-tiny").generation(),
                    Fixtures.open("llama-tiny").weights())
                .name())
        .isEqualTo("small");
  }

  private static void assertRefused(String path, String message) {
    assertThatThrownBy(() -> ModelDirectory.open(path))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(path)
        .hasMessageContaining(message);
  }
}
