package dev.kappa.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.kappa.model.RopeConfig.Llama3;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RopeTableTest {

  @ParameterizedTest
  @MethodSource("cases")
  void agreesWithTransformers(JsonNode reference) {
    RopeConfig rope = rope(reference.get("rope"));
    int headDim = reference.get("headDim").intValue();
    JsonNode positions = reference.get("positions");
    int count = positions.get(positions.size() - 1).intValue() + 1;

    float[] frequencies = RopeTable.inverseFrequencies(rope, headDim);
    assertThat(frequencies).hasSize(headDim / 2);
    for (int i = 0; i < frequencies.length; i++) {
      float expected = (float) reference.get("inverseFrequencies").get(i).doubleValue();
      // Our power function may round to the neighbour, and scaling may double that.
      assertThat(frequencies[i]).isCloseTo(expected, within(3 * Math.ulp(expected)));
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment table = arena.allocate(RopeTable.bytes(count, headDim));
      RopeTable.write(rope, count, headDim, table);
      for (int p = 0; p < positions.size(); p++) {
        int position = positions.get(p).intValue();
        for (int i = 0; i < headDim / 2; i++) {
          // Three units in the last place of the frequency, times the position, plus rounding.
          double tolerance = 2e-7 + position * 3.0 * Math.ulp(frequencies[i]);
          int at = position * headDim + i;
          assertThat((double) table.getAtIndex(ValueLayout.JAVA_FLOAT, at))
              .as("cosine %d of position %d", i, position)
              .isCloseTo(reference.get("cos").get(p).get(i).doubleValue(), within(tolerance));
          assertThat((double) table.getAtIndex(ValueLayout.JAVA_FLOAT, at + headDim / 2))
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

    float[] before = RopeTable.inverseFrequencies(plain, 128);
    float[] after = RopeTable.inverseFrequencies(scaled, 128);

    assertThat(after[0]).isEqualTo(before[0]);
    assertThat(after[63]).isEqualTo(before[63] / 8);
    assertThat(after).isSortedAccordingTo((a, b) -> Float.compare(b, a));
  }

  static List<JsonNode> cases() {
    JsonNode cases = JsonMapper.shared().readTree(Fixtures.resource("/models/rope.json").toFile());
    return StreamSupport.stream(cases.spliterator(), false).toList();
  }

  private static RopeConfig rope(JsonNode node) {
    double theta = node.get("rope_theta").doubleValue();
    if (node.get("rope_type").stringValue().equals("default")) {
      return new RopeConfig(theta, null);
    }
    return new RopeConfig(
        theta,
        new Llama3(
            node.get("factor").doubleValue(),
            node.get("low_freq_factor").doubleValue(),
            node.get("high_freq_factor").doubleValue(),
            node.get("original_max_position_embeddings").intValue()));
  }
}
