package dev.kappa.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.server.backend.ToolFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.node.JsonNodeFactory;

class ToolCallReaderTest {

  private static final String[] PARTS = {
    "<tool_call>",
    "</tool_call>",
    "[TOOL_CALLS]",
    "[",
    "]",
    ",",
    "{\"name\": \"f\", \"arguments\": {\"a\": \"</tool_call>}\\\"\\\\\"}}",
    "{\"name\":\"g\",\"parameters\":{}}",
    "{\"arguments\":{\"x\":[1,{}]},\"name\":\"f\"}",
    "{\"name\":\"unknown\",\"arguments\":{}}",
    "{\"name\":\"f\",\"arguments\":{\"a\":{\"b\":\"}\"}},\"id\":\"1\"}",
    "{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}",
    " ",
    "\n",
    "hé😀",
    "<tool",
    "{",
    "}",
    "; "
  };

  /** Text and calls of an output, all pieces put together. */
  private record Answer(String text, Map<Integer, String> calls) {}

  private static Answer read(ToolFormat format, boolean parallel, List<String> pieces) {
    Tools.Schema schema = new Tools.Schema(JsonNodeFactory.instance.objectNode(), "");
    Map<String, Tools.Schema> schemas = new LinkedHashMap<>(Map.of("f", schema, "g", schema));
    ToolCallReader reader =
        new ToolCallReader(new Tools(format, schemas, List.of(), Set.of(), parallel));
    StringBuilder text = new StringBuilder();
    Map<Integer, String> calls = new TreeMap<>();
    for (int i = 0; i <= pieces.size(); i++) {
      ToolCallReader.Read read = i < pieces.size() ? reader.append(pieces.get(i)) : reader.finish();
      text.append(read.text());
      for (ToolCall call : read.calls()) {
        String begin = call.name() == null ? "" : call.name() + ' ';
        calls.merge(call.index(), begin + call.arguments(), String::concat);
      }
    }
    return new Answer(text.toString(), calls);
  }

  @ParameterizedTest
  @EnumSource
  void readsTheSameHoweverAnOutputIsCut(ToolFormat format) {
    int calls = 0;
    for (int seed = 0; seed < 4000; seed++) {
      Random random = new Random(seed);
      StringBuilder output = new StringBuilder();
      for (int i = random.nextInt(7); i >= 0; i--) {
        output.append(PARTS[random.nextInt(PARTS.length)]);
      }
      boolean parallel = random.nextBoolean();
      Answer whole = read(format, parallel, List.of(output.toString()));
      List<String> characters = output.codePoints().mapToObj(Character::toString).toList();
      assertThat(read(format, parallel, characters))
          .as("seed %d: %s", seed, output)
          .isEqualTo(whole);
      calls += whole.calls().size();
    }
    assertThat(calls).isGreaterThan(50);
  }

  @Test
  void spaceBetweenWordsBehindACallIsText() {
    List<String> pieces =
        List.of("{\"name\":\"f\",\"parameters\":{}}", "\n", "so", " ", "be it", "\n");
    assertThat(read(ToolFormat.LLAMA, true, pieces))
        .isEqualTo(new Answer("\nso be it", Map.of(0, "f {}")));
  }
}
