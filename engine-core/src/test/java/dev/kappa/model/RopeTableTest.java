package dev.kappa.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.model.RopeScaling.Llama3;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RopeTableTest {

  @TempDir private Path directory;

  @ParameterizedTest
  @MethodSource("cases")
  void agreesWithTransformers(JsonNode reference) {
    JsonNode described = reference.get("rope");
    int headDim = reference.get("headDim").intValue();
    RopeConfigReader reader = reader(described, reference.get("maxPositions").intValue());
    int dim = reader.rotaryDim(headDim);
    RopeConfig rope = reader.read(dim);
    JsonNode positions = reference.get("positions");
    int count = positions.get(positions.size() - 1).intValue() + 1;

    RopeFrequencies found = RopeFrequencies.of(rope, dim, count);
    float[] frequencies = found.inverse();
    assertThat(frequencies).hasSize(dim / 2);
    for (int i = 0; i < frequencies.length; i++) {
      float expected = (float) reference.get("inverseFrequencies").get(i).doubleValue();
      // Our power function may round to the neighbour, and scaling may double that.
      assertThat(frequencies[i])
          .isCloseTo(expected, within((float) ulps(described) * Math.ulp(expected)));
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment table = arena.allocate(RopeTable.bytes(count, dim));
      RopeTable.write(rope, count, dim, table);
      for (int p = 0; p < positions.size(); p++) {
        int position = positions.get(p).intValue();
        for (int i = 0; i < dim / 2; i++) {
          // Units in the last place of the frequency, times the position, plus rounding.
          double error = 2e-7 + position * ulps(described) * Math.ulp(frequencies[i]);
          double tolerance = error * found.amplitude();
          int at = position * dim + i;
          assertThat((double) table.getAtIndex(ValueLayout.JAVA_FLOAT, at))
              .as("cosine %d of position %d", i, position)
              .isCloseTo(reference.get("cos").get(p).get(i).doubleValue(), within(tolerance));
          assertThat((double) table.getAtIndex(ValueLayout.JAVA_FLOAT, at + dim / 2))
              .as("sine %d of position %d", i, position)
              .isCloseTo(reference.get("sin").get(p).get(i).doubleValue(), within(tolerance));
        }
      }
    }
  }

  @Test
  void scalesLowFrequenciesOnly() {
    RopeConfig plain = new RopeConfig(500000, null);
    RopeConfig scaled = new RopeConfig(500000, new Llama3(8, 1, 4, 8192));

    float[] before = RopeFrequencies.of(plain, 128, 8192).inverse();
    float[] after = RopeFrequencies.of(scaled, 128, 8192).inverse();

    assertThat(after[0]).isEqualTo(before[0]);
    assertThat(after[63]).isEqualTo(before[63] / 8);
    assertThat(after).isSortedAccordingTo((a, b) -> Float.compare(b, a));
  }

  static List<JsonNode> cases() {
    JsonNode cases = JsonMapper.shared().readTree(Fixtures.resource("/models/rope.json").toFile());
    return StreamSupport.stream(cases.spliterator(), false).toList();
  }

  /** transformers makes the base of "dynamic" in 32 bits, which the power function multiplies. */
  private static double ulps(JsonNode rope) {
    return rope.get("rope_type").stringValue().equals("dynamic") ? 8 : 3;
  }

  /** Reads parameters as they stand in a config. */
  private RopeConfigReader reader(JsonNode rope, int maxPositions) {
    boolean part = rope.has("partial_rotary_factor");
    Path file = directory.resolve("config.json");
    try {
      Files.writeString(file, "{\"rope_parameters\": " + rope + "}");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new RopeConfigReader(
        JsonObject.read(file), part ? Architectures.PHI3 : Architectures.LLAMA, maxPositions);
  }
}
