package dev.kappa.model;

import static dev.kappa.model.SafetensorsWriter.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.device.Encoding;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsCheckpointTest {

  private static final String INDEX = "model.safetensors.index.json";

  @TempDir private Path directory;

  @Test
  void shardsHoldTheSameTensorsAsTheSingleFile() {
    try (Checkpoint single = SafetensorsCheckpoint.open(Fixtures.model("qwen3-tiny"));
        Checkpoint sharded = SafetensorsCheckpoint.open(Fixtures.model("qwen3-sharded"));
        Arena arena = Arena.ofConfined()) {
      assertThat(sharded.names()).hasSize(36).isEqualTo(single.names());
      for (String name : single.names()) {
        Checkpoint.Tensor expected = single.tensor(name, arena);
        Checkpoint.Tensor actual = sharded.tensor(name, arena);
        assertThat(actual.shape()).isEqualTo(expected.shape());
        assertThat(actual.data().mismatch(expected.data())).isEqualTo(-1);
      }
    }
  }

  @Test
  void opensTheOnlyFileWhateverItsName() {
    write("pytorch.safetensors", "w");

    try (Checkpoint checkpoint = SafetensorsCheckpoint.open(directory)) {
      assertThat(checkpoint.names()).containsExactly("w");
    }
  }

  @Test
  void prefersTheSingleFile() throws IOException {
    write("model.safetensors", "w");
    index("{\"weight_map\":{\"w\":\"gone.safetensors\"}}");

    try (Checkpoint checkpoint = SafetensorsCheckpoint.open(directory)) {
      assertThat(checkpoint.names()).containsExactly("w");
    }
  }

  @Test
  void saysWhatItExpectedWhereThereAreNoWeights() {
    assertRefused("no *.safetensors file; expected model.safetensors");
    write("a.safetensors", "w");
    write("b.safetensors", "v");
    assertRefused("several weight files [a.safetensors, b.safetensors] but no " + INDEX);
  }

  @Test
  void namesMissingShard() throws IOException {
    write("1.safetensors", "w");
    index("{\"weight_map\":{\"w\":\"1.safetensors\",\"v\":\"2.safetensors\"}}");

    assertRefused(directory.resolve("2.safetensors") + ": no such file");
    assertRefused("says that it has tensor v");
  }

  @Test
  void namesTensorThatItsShardLacks() throws IOException {
    write("1.safetensors", "w");
    index("{\"weight_map\":{\"w\":\"1.safetensors\",\"v\":\"1.safetensors\"}}");

    assertRefused(directory.resolve("1.safetensors") + ": has no tensor v");
  }

  @Test
  void refusesTensorInTwoShards() throws IOException {
    write("1.safetensors", "w", "v");
    write("2.safetensors", "v", "u");
    index(
        "{\"weight_map\":{\"w\":\"1.safetensors\",\"v\":\"1.safetensors\",\"u\":\"2.safetensors\"}}");

    assertRefused("tensor v is also in " + directory.resolve("1.safetensors"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"../1.safetensors", "/etc/passwd", "", ".", "a\\u0000b"})
  void staysInItsDirectory(String name) throws IOException {
    index("{\"weight_map\":{\"w\":\"" + name + "\"}}");

    assertRefused("expected the name of a file in the same directory");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "{\"weight_map\":[]}", "{\"weight_map\":{\"w\":1}}", "{\"weight"})
  void refusesBrokenIndex(String json) throws IOException {
    index(json);

    assertRefused(INDEX);
  }

  @Test
  void saysWhereMissingTensorsWereLookedFor() {
    write("model.safetensors", "w");

    try (Checkpoint checkpoint = SafetensorsCheckpoint.open(directory);
        Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> checkpoint.tensor("x", arena))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining(directory.toString())
          .hasMessageContaining("tensor x");
    }
  }

  @Test
  void namesShapeThatConfigDoesNotExplain() {
    write("model.safetensors", "w");
    TensorSpec spec = new TensorSpec(TensorRole.GATE, 0, "w", List.of(3L));

    try (Checkpoint checkpoint = SafetensorsCheckpoint.open(directory);
        Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> checkpoint.tensor(spec, arena))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("model.safetensors: tensor w has shape [1]")
          .hasMessageContaining("[3]");
    }
  }

  @Test
  void invalidatesTensorsWhenClosed() {
    write("model.safetensors", "w");
    MemorySegment data;
    try (Checkpoint checkpoint = SafetensorsCheckpoint.open(directory);
        Arena arena = Arena.ofConfined()) {
      Checkpoint.Tensor tensor = checkpoint.tensor("w", arena);
      assertThat(tensor.encoding()).isEqualTo(Encoding.F32);
      data = tensor.data();
    }
    assertThatThrownBy(() -> data.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void fingerprintChangesWithAnyWeightOrConfig() throws IOException {
    Path weights = write("model.safetensors", "w", "v");
    Files.writeString(directory.resolve("config.json"), "{}");
    String before = fingerprint(directory);
    assertThat(before).matches("[0-9a-f]{64}").isEqualTo(fingerprint(directory));

    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    String otherWeight = fingerprint(directory);
    Files.writeString(directory.resolve("config.json"), "{ }");
    String otherConfig = fingerprint(directory);

    assertThat(List.of(before, otherWeight, otherConfig)).doesNotHaveDuplicates();
  }

  @Test
  void fingerprintStaysWhenTheModelMoves() throws IOException {
    write("model.safetensors", "w");
    Path moved = Files.createDirectory(directory.resolve("moved"));
    Files.copy(directory.resolve("model.safetensors"), moved.resolve("weights.safetensors"));

    assertThat(fingerprint(moved)).isEqualTo(fingerprint(directory));
  }

  private static String fingerprint(Path directory) {
    try (Checkpoint checkpoint = SafetensorsCheckpoint.open(directory)) {
      return checkpoint.fingerprint();
    }
  }

  private void assertRefused(String message) {
    assertThatThrownBy(() -> SafetensorsCheckpoint.open(directory))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(directory.toString())
        .hasMessageContaining(message);
  }

  private void index(String json) throws IOException {
    Files.writeString(directory.resolve(INDEX), json);
  }

  /** Writes tensors of one element each. */
  private Path write(String file, String... names) {
    StringBuilder header = new StringBuilder("{");
    for (int i = 0; i < names.length; i++) {
      header.append(i > 0 ? "," : "").append(entry(names[i], "F32", "[1]", 4L * i, 4L * i + 4));
    }
    return SafetensorsWriter.write(
        directory.resolve(file), header.append("}").toString(), new byte[4 * names.length]);
  }
}
