package dev.kappa.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@Timeout(300)
class TraceFileTest {

  @TempDir Path folder;

  private JsonNode read(Path file) throws IOException {
    return JsonMapper.shared().readTree(Files.readString(file));
  }

  @Test
  void writesEventsAsChromeReadsThem() throws IOException {
    Path file = folder.resolve("trace.json");
    try (TraceFile trace = TraceFile.create(file, 1_000_000)) {
      trace.write(new TraceEvent.Span("load", "copy", 1_002_500, 1_004_000, Map.of("bytes", 7L)));
      trace.write(new TraceEvent.Begin("3", "request \"a\"", 1_000_001, Map.of()));
      trace.write(new TraceEvent.End("3", "request \"a\"", 3_000_000, Map.of("kappa", Double.NaN)));
      trace.write(new TraceEvent.Span("compute", "layer 0", 1_005_000, 1_006_000, Map.of()));
    }
    assertThat(read(file))
        .isEqualTo(
            JsonMapper.shared()
                .readTree(
                    """
                    [{"ph":"M","name":"thread_name","pid":1,"tid":1,"args":{"name":"load"}},
                     {"ph":"X","name":"copy","cat":"load","pid":1,"ts":2.500,"tid":1,"dur":1.500,
                      "args":{"bytes":7}},
                     {"ph":"b","name":"request \\"a\\"","cat":"request","pid":1,"ts":0.001,"id":"3",
                      "args":{}},
                     {"ph":"e","name":"request \\"a\\"","cat":"request","pid":1,"ts":2000.000,
                      "id":"3","args":{"kappa":null}},
                     {"ph":"M","name":"thread_name","pid":1,"tid":2,"args":{"name":"compute"}},
                     {"ph":"X","name":"layer 0","cat":"compute","pid":1,"ts":5.000,"tid":2,
                      "dur":1.000,"args":{}}]
                    """));
  }

  /** As after a crash: what was written lacks nothing but the bracket. */
  @Test
  @Timeout(300)
  void holdsItsEventsBeforeItIsClosed() throws Exception {
    Path file = folder.resolve("trace.json");
    int written = 5000;
    try (TraceFile trace = TraceFile.create(file, 0)) {
      for (int i = 0; i < written; i++) {
        trace.write(new TraceEvent.Span("steps", "step", i, i + 1, Map.of("tokens", i)));
      }
      String last = "\"tokens\":" + (written - 1) + "}}";
      String text = Files.readString(file);
      while (!text.stripTrailing().endsWith(last)) {
        Thread.onSpinWait();
        text = Files.readString(file);
      }
      assertThat(JsonMapper.shared().readTree(text + "]").size()).isEqualTo(written + 1);
      assertThat(trace.dropped()).isZero();
    }
    assertThat(read(file).size()).isEqualTo(written + 1);
  }

  @Test
  void isEmptyButWholeWithoutEvents() throws IOException {
    Path file = folder.resolve("trace.json");
    TraceFile.create(file, 0).close();
    assertThat(read(file).isArray()).isTrue();
  }

  @Test
  void dropsWhatComesAfterItIsClosed() throws IOException {
    Path file = folder.resolve("trace.json");
    TraceFile trace = TraceFile.create(file, 0);
    trace.close();
    trace.write(new TraceEvent.Begin("1", "late", 0, Map.of()));
    trace.close();
    assertThat(trace.dropped()).isEqualTo(1);
    assertThat(read(file).size()).isZero();
  }

  @Test
  void cannotBeCreatedWhereThereIsNoFolder() {
    assertThatThrownBy(() -> TraceFile.create(folder.resolve("none").resolve("trace.json"), 0))
        .isInstanceOf(IOException.class);
  }
}
