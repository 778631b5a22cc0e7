package dev.kappa.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TraceReaderTest {

  @TempDir Path folder;

  private Trace read(String text) throws IOException {
    return TraceReader.read(Files.writeString(folder.resolve("trace.jsonl"), text));
  }

  @Test
  void readsRequestsByArrivalAndNumbersTheirBlocks() throws IOException {
    Trace trace =
        read(
            """
            {"timestamp": 2000, "input_length": 600, "output_length": 5, "hash_ids": [70, 9]}

            {"timestamp": 0, "input_length": 1024, "output_length": 0, "hash_ids": [70, 8], "x": 1}
            """);
    assertThat(trace.requests()).extracting(Trace.Request::inputTokens).containsExactly(1024, 600);
    assertThat(trace.requests().getFirst().blocks()).containsExactly(0, 2);
    assertThat(trace.requests().getLast().blocks()).containsExactly(0, 1);
    assertThat(trace.blocks()).isEqualTo(3);
    assertThat(trace.inputTokens()).isEqualTo(1624);
    assertThat(trace.rate()).isCloseTo(0.5, within(1e-12));
    assertThat(trace.atRate(2).requests().getLast().arrivalMillis()).isCloseTo(500, within(1e-9));
    assertThat(trace.first(1).requests()).hasSize(1);
  }

  @Test
  void refusesARateForRequestsOfOneMoment() throws IOException {
    Trace one =
        read("{\"timestamp\": 5, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": []}");
    assertThatThrownBy(() -> one.atRate(1)).isInstanceOf(PlanException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"timestamp\": -1, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": []}",
        "{\"timestamp\": 0, \"input_length\": 0, \"output_length\": 1, \"hash_ids\": []}",
        "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": -1, \"hash_ids\": []}",
        "{\"timestamp\": 0, \"input_length\": 512, \"output_length\": 1, \"hash_ids\": [1, 2]}",
        "{\"timestamp\": 0, \"input_length\": 512, \"output_length\": 1, \"hash_ids\": [\"a\"]}",
        "{\"timestamp\": 0, \"input_length\": 512, \"output_length\": 1}",
        "[]",
        "{"
      })
  void saysWhichLineIsNoRequest(String line) {
    String good =
        "{\"timestamp\": 0, \"input_length\": 9, \"output_length\": 1, \"hash_ids\": [1]}";
    assertThatThrownBy(() -> read(good + "\n" + line + "\n"))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("line 2");
  }

  @Test
  void refusesAnEmptyOrMissingFile() {
    assertThatThrownBy(() -> read("\n")).hasMessageContaining("no requests");
    assertThatThrownBy(() -> TraceReader.read(folder.resolve("none")))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("no such file");
  }
}
