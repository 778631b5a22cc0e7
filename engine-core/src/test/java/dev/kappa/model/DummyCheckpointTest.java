package dev.kappa.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.device.DType;
import dev.kappa.device.Encoding;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class DummyCheckpointTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama-tiny",
        "llama3-rope-tiny",
        "mistral-tiny",
        "qwen2-tiny",
        "qwen3-tiny",
        "gemma2-tiny",
        "gemma3-tiny",
        "phi3-tiny",
        "mixtral-tiny",
        "qwen3-moe-tiny"
      })
  void hasTheTensorsOfTheModel(String name) {
    ModelDirectory model = Fixtures.open(name);

    try (Checkpoint real = model.checkpoint(LoadFormat.STORED, 1);
        Checkpoint dummy = model.checkpoint(LoadFormat.DUMMY, 1);
        Arena arena = Arena.ofConfined()) {
      assertThat(dummy.names()).isEqualTo(real.names());
      for (String tensor : real.names()) {
        Checkpoint.Tensor expected = real.tensor(tensor, arena);
        Checkpoint.Tensor actual = dummy.tensor(tensor, arena);
        assertThat(actual.shape()).isEqualTo(expected.shape());
        assertThat(actual.encoding()).isEqualTo(expected.encoding());
        assertThat(actual.data().byteSize()).isEqualTo(expected.data().byteSize());
        assertThat(actual.data().byteSize()).isEqualTo(actual.bytes());
      }
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void spreadsMatricesByFanInAndNormsAroundOne(DType dtype) {
    Checkpoint checkpoint = new DummyCheckpoint(config(256, 5001, dtype), 3);

    float[] matrix = floats(checkpoint, "lm_head.weight");
    float[] norm = floats(checkpoint, "model.norm.weight");

    assertThat(matrix).hasSize(5001 * 256);
    assertThat(mean(matrix)).isCloseTo(0, within(5e-4));
    assertThat(deviation(matrix)).isCloseTo(1 / 16.0, within(1e-3));
    assertThat(mean(norm)).isCloseTo(1, within(0.02));
    assertThat(deviation(norm)).isCloseTo(0.05, within(0.01));
  }

  @Test
  void dependsOnSeedAndNameOnly() {
    ModelConfig config = config(64, 100, DType.BF16);
    List<String> names = new ArrayList<>(new DummyCheckpoint(config, 5).names());
    Map<String, List<Float>> forwards = tensors(new DummyCheckpoint(config, 5), names);
    Collections.reverse(names);
    Map<String, List<Float>> backwards = tensors(new DummyCheckpoint(config, 5), names);
    Map<String, List<Float>> otherSeed = tensors(new DummyCheckpoint(config, 6), names);

    assertThat(backwards).isEqualTo(forwards);
    assertThat(forwards.values()).doesNotHaveDuplicates();
    names.forEach(name -> assertThat(otherSeed.get(name)).isNotEqualTo(forwards.get(name)));
  }

  @Test
  void fingerprintTellsSeedsAndShapesApart() {
    String fingerprint = new DummyCheckpoint(config(64, 100, DType.BF16), 5).fingerprint();

    assertThat(fingerprint).matches("[0-9a-f]{64}");
    assertThat(new DummyCheckpoint(config(64, 100, DType.BF16), 5).fingerprint())
        .isEqualTo(fingerprint);
    assertThat(new DummyCheckpoint(config(64, 100, DType.BF16), 6).fingerprint())
        .isNotEqualTo(fingerprint);
    assertThat(new DummyCheckpoint(config(64, 100, DType.F32), 5).fingerprint())
        .isNotEqualTo(fingerprint);
  }

  @Test
  void holdsNothingOnceTheCallersArenaIsClosed() {
    Checkpoint checkpoint = new DummyCheckpoint(config(64, 100, DType.BF16), 5);
    MemorySegment data;
    try (Arena arena = Arena.ofConfined()) {
      data = checkpoint.tensor("lm_head.weight", arena).data();
    }

    assertThat(data.scope().isAlive()).isFalse();
  }

  @Test
  void makesNothingUntilAskedForTheData() {
    try (Arena arena = Arena.ofConfined()) {
      Checkpoint checkpoint = new DummyCheckpoint(config(1 << 20, 1 << 26, DType.BF16), 5);
      Checkpoint.Tensor tensor = checkpoint.tensor("lm_head.weight", arena);
      assertThat(tensor.bytes()).as("more than any machine has").isEqualTo(1L << 47);
    }
  }

  @Test
  void namesTensorsThatTheArchitectureLacks() {
    try (Arena arena = Arena.ofConfined()) {
      Checkpoint checkpoint = new DummyCheckpoint(config(64, 100, DType.BF16), 5);
      assertThatThrownBy(() -> checkpoint.tensor("model.layers.2.mlp.up_proj.weight", arena))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("LlamaForCausalLM")
          .hasMessageContaining("model.layers.2.mlp.up_proj.weight");
    }
  }

  @Test
  @Tag("slow")
  void makesABillionParametersInSeconds() {
    ModelConfig config =
        new ModelConfig(
            "LlamaForCausalLM",
            2048,
            5632,
            22,
            32000,
            2048,
            1e-5f,
            new AttentionConfig(32, 4, 64, new RopeConfig(10000, null)),
            false,
            DType.BF16);
    Checkpoint checkpoint = new DummyCheckpoint(config, 0);
    long start = System.nanoTime();
    for (String name : checkpoint.names()) {
      try (Arena arena = Arena.ofConfined()) {
        assertThat(checkpoint.tensor(name, arena).data().byteSize()).isPositive();
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;

    System.out.printf("%d parameters in %.2f s%n", config.parameters(), seconds);
    assertThat(config.parameters()).isEqualTo(1_100_048_384L);
    assertThat(seconds).isLessThan(20);
  }

  private static ModelConfig config(int hidden, int vocabulary, DType dtype) {
    return new ModelConfig(
        "LlamaForCausalLM",
        hidden,
        96,
        2,
        vocabulary,
        128,
        1e-5f,
        new AttentionConfig(4, 2, hidden / 4, new RopeConfig(10000, null)),
        false,
        dtype);
  }

  private static Map<String, List<Float>> tensors(Checkpoint checkpoint, List<String> names) {
    Map<String, List<Float>> tensors = new HashMap<>();
    for (String name : names) {
      List<Float> values = new ArrayList<>();
      for (float value : floats(checkpoint, name)) {
        values.add(value);
      }
      tensors.put(name, values);
    }
    return tensors;
  }

  private static float[] floats(Checkpoint checkpoint, String name) {
    try (Arena arena = Arena.ofConfined()) {
      Checkpoint.Tensor tensor = checkpoint.tensor(name, arena);
      if (tensor.encoding() == Encoding.F32) {
        return tensor.data().toArray(ValueLayout.JAVA_FLOAT);
      }
      short[] halves = tensor.data().toArray(ValueLayout.JAVA_SHORT);
      float[] floats = new float[halves.length];
      for (int i = 0; i < floats.length; i++) {
        floats[i] =
            tensor.encoding() == Encoding.F16
                ? Float.float16ToFloat(halves[i])
                : Float.intBitsToFloat(halves[i] << 16);
      }
      return floats;
    }
  }

  private static double mean(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum / values.length;
  }

  private static double deviation(float[] values) {
    double mean = mean(values);
    double sum = 0;
    for (float value : values) {
      sum += (value - mean) * (value - mean);
    }
    return Math.sqrt(sum / values.length);
  }
}
